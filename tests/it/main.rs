//! The tests: stories at the outermost door, conformance of ports, rules of the domain, and the law of the house.

mod call_page;
mod config;
mod content;
mod demo_page;
mod desk;
mod domain;
mod isolation;
mod pages;
mod permissions;
mod ports;
mod store;
mod stories;
mod support;
mod tidy;
