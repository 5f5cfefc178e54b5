//! flows/search_record: being built.
