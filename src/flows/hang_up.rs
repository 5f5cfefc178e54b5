//! flows/hang_up: being built.
