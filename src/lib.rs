//! Careline: the telephone ward of a palliative-care service.
//!
//! Modules in floor order; a file names only floors beneath it (`tests/it/tidy.rs`).

pub mod domain;

pub mod config;
pub mod ports;

pub mod adapters;
pub mod store;

pub mod app;
pub mod error;
pub mod factors;
pub mod failpoint;
pub mod live;
pub mod passwords;
pub mod telemetry;
pub mod vault;

pub mod flows;

pub mod jobs;
pub mod web;

pub mod simulator;

pub mod bench;
pub mod boot;
pub mod demo;
