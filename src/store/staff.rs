//! store/staff: being built.
