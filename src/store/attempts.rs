//! store/attempts: being built.
