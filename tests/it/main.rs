//! it

mod domain;
mod ports;
