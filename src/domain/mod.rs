//! Floor 0: nouns and rules. No I/O, no async, no clock; time comes in as a parameter.

pub mod assessment;
pub mod attempt;
pub mod audit;
pub mod call;
pub mod chain;
pub mod consent;
pub mod contact_hours;
pub mod disposition;
pub mod file_format;
pub mod follow_up;
pub mod frame_order;
pub mod guidance;
pub mod identity;
pub mod ids;
pub mod job;
pub mod notice;
pub mod pace;
pub mod password;
pub mod people;
pub mod private;
pub mod protocol;
pub mod script;
pub mod script_texts;
pub mod sealed;
pub mod tones;
pub mod transcript;
