//! simulator/people: being built.
