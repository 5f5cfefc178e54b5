//! domain/contact_hours: being built.
