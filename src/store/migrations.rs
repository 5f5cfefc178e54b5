//! store/migrations: being built.
