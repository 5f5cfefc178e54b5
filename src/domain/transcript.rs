//! domain/transcript: being built.
