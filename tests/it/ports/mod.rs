//! The ports, each against the wire it will meet.

mod tone_speech;
