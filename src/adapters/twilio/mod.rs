//! adapters/twilio/mod: being built.
