//! web/respond: being built.
