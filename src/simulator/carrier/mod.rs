//! simulator/carrier/mod: being built.
