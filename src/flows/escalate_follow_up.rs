//! flows/escalate_follow_up: being built.
