//! store/worklist: being built.
