//! The simulated town: townspeople behind the providers' own wire protocols, and one virtual clock. A house of its
//! own beside ours; the product's production adapters reach it over loopback by base URL.

pub mod carrier;
pub mod clock;
pub mod model;
pub mod people;
