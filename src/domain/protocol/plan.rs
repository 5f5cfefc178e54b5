//! What a protocol makes happen: where help comes from, what is read to the caller, who is told, when somebody looks
//! again, and what all of it rests on.

use super::expression::Expression;
use crate::domain::disposition::Disposition;
use chrono::Duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where help comes from under a comfort-only plan. It never hides a red flag and never lowers the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// The plan in the chart.
    pub when: Expression,
    /// From this level.
    pub from: Disposition,
    /// To this one, of the same urgency.
    pub to: Disposition,
    /// What must be confirmed on this call; any missing and nothing is changed.
    pub needs: Vec<String>,
}

/// Advice read to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CareAdvice {
    /// Its id.
    pub id: String,
    /// The levels it is for.
    pub levels: BTreeSet<Disposition>,
    /// The key of its text.
    pub text: String,
    /// What it rests on: ids of references.
    pub basis: Vec<String>,
    /// Whether it speaks of medicines.
    pub medication: Medication,
    /// Held back when this holds or is not known.
    pub avoid_when: Option<Expression>,
}

/// Whether advice speaks of medicines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medication {
    /// It does not, and nothing dose-like may stand in it.
    None,
    /// Quoted from a passage.
    VerbatimPassage,
    /// Only what the patient's own signed order says.
    PatientSpecificOrderOnly,
}

/// One step of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The nurse stays on the line.
    StayOnLine,
    /// The caller dials a number, such as 911.
    CallerDials {
        /// The number.
        target: String,
    },
    /// Somebody is told and must answer in time.
    Notify {
        /// Whom.
        who: String,
        /// Minutes to answer.
        ack_within_minutes: i64,
        /// Who or what is next.
        otherwise: String,
    },
    /// The nurse hands the call over in person.
    WarmTransfer {
        /// To whom.
        who: String,
        /// Minutes to answer.
        ack_within_minutes: i64,
        /// Who or what is next.
        otherwise: String,
    },
    /// Work for somebody, due in time.
    Task {
        /// Whose.
        who: String,
        /// Minutes until it is due.
        due_minutes: i64,
        /// Who or what is next.
        otherwise: String,
    },
}

/// When somebody looks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUpClock {
    /// At the latest.
    pub within: Duration,
    /// The key of what to watch for until then.
    pub safety_net: Option<String>,
}

/// What a protocol rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its id, such as `ref.esas_cut`.
    pub id: String,
    /// How it is cited.
    pub cite: String,
    /// When it was published.
    pub year: Option<i32>,
    /// Where it is.
    pub url: Option<String>,
    /// Under which licence.
    pub licence: Option<String>,
    /// What may be done with its text.
    pub reuse: Reuse,
}

/// What may be done with a source's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Shipped with the product.
    Ship,
    /// Quoted.
    Quote,
    /// Named, never copied.
    CiteOnly,
    /// The organization's own.
    Local,
}
