//! The care plan: how often a patient is rung, for what, at what time of day, and by whom if somebody wishes for a nurse.

use super::{
    call::{CallManner, CallPurpose},
    ids::{PatientId, PlanId, StaffId},
};
use chrono::{Duration, NaiveDate, NaiveTime};

/// How far ahead the calls of a plan are made.
pub const HORIZON: Duration = Duration::days(14);
/// How often a plan is looked at when nothing about it changes.
pub const LOOK_EVERY: Duration = Duration::hours(24);
/// Least and most minutes in which a due call may still be placed.
pub const WINDOW_MINUTES: (i32, i32) = (30, 720);

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// It makes calls.
    Active,
    /// It makes none until somebody goes on with it.
    Paused,
    /// It is over.
    Ended,
}

impl PlanState {
    /// The word stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Ended].into_iter().find(|state| state.word() == word)
    }
}

/// What a plan says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// Why the patient is rung.
    pub purpose: CallPurpose,
    /// Who asks on its calls.
    pub manner: CallManner,
    /// The protocol that is asked.
    pub protocol: String,
    /// Who is wished for; `None` lets the match decide each time.
    pub nurse: Option<StaffId>,
    /// The rule, as `Recurrence` spells it.
    pub rule: String,
    /// The first day it may fall on, on the patient's clock.
    pub starts_on: NaiveDate,
    /// The time of day, on the patient's clock.
    pub at: NaiveTime,
    /// Minutes after its time in which a telephone may still ring.
    pub window_minutes: i32,
}

/// One plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarePlan {
    /// Its id.
    pub id: PlanId,
    /// Whose.
    pub patient: PatientId,
    /// What it says.
    pub cadence: Cadence,
    /// Where it stands.
    pub state: PlanState,
}
