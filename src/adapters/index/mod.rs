//! adapters/index/mod: being built.
