//! domain/protocol/mod: being built.
