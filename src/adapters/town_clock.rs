//! adapters/town_clock: being built.
