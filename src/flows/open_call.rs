//! flows/open_call: being built.
