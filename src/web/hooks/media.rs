//! web/hooks/media: being built.
