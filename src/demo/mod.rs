//! `bin/demo`: a ward, a town of invented patients and a telephone between them, on this machine only.

pub mod children;
pub mod narration;
pub mod nurse;
pub mod page;
pub mod seed;
