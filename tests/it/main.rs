//! it

mod domain;
mod ports;
mod tidy;
