//! Rules of the domain, and codecs.

mod assessment;
mod call;
mod chain;
mod check_in;
mod check_in_by_text;
mod contact_hours;
mod factors;
mod frame_order;
mod guidance;
mod guidance_sample;
mod loudness;
mod matching;
mod office_hours;
mod progress;
mod protocol_check;
mod protocol_evaluate;
mod protocol_read;
mod recording;
mod recurrence;
mod script;
mod summary;
mod text;
mod tones;
mod transcript;
mod vigil;
