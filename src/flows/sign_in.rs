//! flows/sign_in: being built.
