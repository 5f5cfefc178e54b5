//! adapters/system_clock: being built.
