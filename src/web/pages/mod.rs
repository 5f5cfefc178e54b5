//! web/pages/mod: being built.
