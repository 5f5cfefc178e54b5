//! What the database keeps, whatever asks it.

mod audit;
mod isolation;
mod migrations;
mod roles;
mod sealed;
