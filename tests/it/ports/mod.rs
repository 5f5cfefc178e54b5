//! The ports, each against the wire it will meet.

mod carrier_town;
mod clocks;
mod egress;
mod keys;
mod llm;
mod objects;
mod provider;
pub mod speech;
mod texts;
mod tone_speech;
mod twilio;
mod twilio_client;
mod twilio_rooms;
mod twilio_town;
mod vectors;
