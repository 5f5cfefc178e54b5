//! web/api/mod: being built.
