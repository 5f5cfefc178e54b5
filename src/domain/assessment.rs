//! domain/assessment: being built.
