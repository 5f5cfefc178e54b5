//! jobs/runner: being built.
