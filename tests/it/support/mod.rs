//! What stories stand on: databases that are leased and cleaned, a town, a ward that serves, a nurse at a browser.

pub mod bucket;
pub mod conversation;
pub mod database;
pub mod entrance;
pub mod listening;
pub mod office;
pub mod openid;
pub mod protocol;
pub mod recorder;
pub mod statements;
pub mod studio;
pub mod teams;
pub mod texting;
pub mod transit;
pub mod ward;
pub mod wiring;
