//! store/follow_ups: being built.
