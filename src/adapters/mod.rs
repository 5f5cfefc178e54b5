//! Floor 1, the annex: one adapter per real provider, seen by nobody but `boot.rs`. A provider's words stop here.

pub mod deepgram;
pub mod egress;
pub mod hearing;
pub mod index;
pub mod key_file;
pub mod mail;
pub mod object_stores;
pub mod openai;
pub mod openid;
pub mod private_postgres;
pub mod realtime;
pub mod system_clock;
pub mod tones;
pub mod town_clock;
pub mod transcriptions;
pub mod transit;
pub mod twilio;
