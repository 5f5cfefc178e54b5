//! store/calls: being built.
