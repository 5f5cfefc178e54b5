//! adapters/tones: being built.
