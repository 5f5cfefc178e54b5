//! flows/hear_leg: being built.
