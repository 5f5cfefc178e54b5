//! flows/fork_leg: being built.
