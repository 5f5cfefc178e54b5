//! flows/cancel_call: being built.
