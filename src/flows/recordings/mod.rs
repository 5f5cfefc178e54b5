//! Recordings once they are made: played, held, erased when it is time, and the rule by which it is. The making is in
//! `flows/hear_leg/recorder.rs`.

pub mod erase;
pub mod hold;
pub mod play;
pub mod rule;
