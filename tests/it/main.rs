//! The tests: stories at the outermost door, conformance of ports, rules of the domain, and the law of the house.

// A test says what must hold and stops where it does not: unwrapping and indexing are its assertions.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::type_complexity,
    clippy::unwrap_used
)]

mod agencies;
mod asvs;
mod bridged;
mod browser;
mod call_page;
mod canaries;
mod chaos;
mod config;
mod content;
mod demo_page;
mod desk;
mod domain;
mod doors;
mod files;
mod hooks;
mod isolation;
mod keys;
mod matrix;
mod media;
mod month;
mod outside_bytes;
mod pages;
mod permissions;
mod ports;
mod schedule;
mod store;
mod stories;
mod support;
mod tidy;
