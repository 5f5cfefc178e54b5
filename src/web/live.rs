//! web/live: being built.
