//! store/legs: being built.
