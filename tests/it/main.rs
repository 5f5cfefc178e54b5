//! it

mod demo_page;
mod domain;
mod ports;
mod tidy;
