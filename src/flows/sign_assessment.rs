//! flows/sign_assessment: being built.
