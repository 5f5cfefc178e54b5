//! web/routes: being built.
