//! flows/ring_nurse: being built.
