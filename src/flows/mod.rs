//! Floor 2: verbs. One thing the product does, one file. Flows take `(app, actor, what)` and never name each other.

pub mod admit_patient;
pub mod answer_question;
pub mod cancel_call;
pub mod chain_record;
pub mod complete_follow_up;
pub mod end_call;
pub mod escalate_follow_up;
pub mod follow_call;
pub mod fork_leg;
pub mod give_up_job;
pub mod hang_up;
pub mod hear_leg;
pub mod import_protocol;
pub mod list_follow_ups;
pub mod open_call;
pub mod open_chart;
pub mod open_worklist;
pub mod place_call;
pub mod reconcile_attempt;
pub mod ring_nurse;
pub mod save_answers;
pub mod schedule_call;
pub mod search_record;
pub mod sign_assessment;
pub mod sign_in;
pub mod verify_record;
