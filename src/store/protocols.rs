//! store/protocols: being built.
