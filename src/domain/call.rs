//! domain/call: being built.
