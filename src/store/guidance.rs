//! store/guidance: being built.
