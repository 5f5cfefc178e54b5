//! domain/attempt: being built.
