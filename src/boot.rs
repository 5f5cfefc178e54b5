//! boot: being built.
