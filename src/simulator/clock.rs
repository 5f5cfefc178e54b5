//! simulator/clock: being built.
