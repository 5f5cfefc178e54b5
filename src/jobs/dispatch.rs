//! jobs/dispatch: being built.
