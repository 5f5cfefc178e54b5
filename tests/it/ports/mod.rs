//! The ports, each against the wire it will meet.

mod carrier_town;
mod clocks;
mod tone_speech;
