//! The page of one call: brief, line, transcript, protocol, guidance. Each part renders alone too, for the live page.

pub mod brief;
pub mod state;
pub mod transcript;
