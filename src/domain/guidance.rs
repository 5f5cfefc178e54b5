//! domain/guidance: being built.
