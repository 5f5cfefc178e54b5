//! The doors of the carrier: signed webhooks and media sockets.

pub mod media;
pub mod phone;
