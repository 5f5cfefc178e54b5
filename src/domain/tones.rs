//! domain/tones: being built.
