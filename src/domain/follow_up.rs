//! domain/follow_up: being built.
