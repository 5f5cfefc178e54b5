//! web/identity: being built.
