//! flows/schedule_call: being built.
