//! flows/open_worklist: being built.
