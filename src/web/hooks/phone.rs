//! web/hooks/phone: being built.
