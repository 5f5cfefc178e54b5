//! store/people: being built.
