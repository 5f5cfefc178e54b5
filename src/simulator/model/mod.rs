//! simulator/model/mod: being built.
