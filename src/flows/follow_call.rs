//! flows/follow_call: being built.
