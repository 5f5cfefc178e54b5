//! flows/import_protocol: being built.
