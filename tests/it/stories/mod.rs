//! Stories: what a person meets, from their door to the record.

mod guidance;
mod hearing;
