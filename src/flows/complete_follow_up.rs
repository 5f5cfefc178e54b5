//! flows/complete_follow_up: being built.
