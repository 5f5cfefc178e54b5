//! flows/list_follow_ups: being built.
