//! demo/mod: being built.
