//! flows/place_call: being built.
