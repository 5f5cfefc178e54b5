//! web/layers: being built.
