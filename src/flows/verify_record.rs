//! flows/verify_record: being built.
