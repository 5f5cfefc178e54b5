//! What was said on calls, once it is written: corrected, searched within a patient, erased when its time is over, and the rule
//! by which it is.

pub mod correct;
pub mod erase;
pub mod rule;
pub mod search;
