//! What the database keeps, whatever asks it.

mod audit;
mod isolation;
mod migrations;
mod record;
mod restored;
mod roles;
mod sealed;
mod tampering;
