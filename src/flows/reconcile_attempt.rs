//! flows/reconcile_attempt: being built.
