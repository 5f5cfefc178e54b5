//! An assessment: answers, what the protocol makes of them, and what a nurse decides. It is pinned to one version of one
//! protocol, and a signature makes it final.

mod page;
mod words;

pub use page::{Asked, AssessmentPage, Confirmation, FactAsked, FieldKind, Given, Pinned, page};
pub use words::{FiredWords, OverlayWords, Said, Undecided, Words};

use super::{
    disposition::Disposition,
    ids::{AssessmentId, CallId, PatientId, StaffId},
    private::Private,
    protocol::{Evaluation, Inputs, Package},
};
use chrono::{DateTime, Duration, Utc};

/// A stored assessment.
#[derive(Clone)]
pub struct Assessment {
    /// Its id.
    pub id: AssessmentId,
    /// The call it belongs to.
    pub call: CallId,
    /// Whom it is about.
    pub patient: PatientId,
    /// The protocol it is pinned to.
    pub protocol: String,
    /// The version it is pinned to.
    pub version: String,
    /// The hash of that version's content.
    pub sha256: Vec<u8>,
    /// What is known.
    pub inputs: Inputs,
    /// What the protocol made of it when it was saved last.
    pub evaluation: Evaluation,
    /// How often it was saved; a form must name the revision it was made from.
    pub revision: i32,
    /// The signature; `None` while it is a draft.
    pub signed: Option<Signature>,
}

/// Who decided what.
#[derive(Clone)]
pub struct Signature {
    /// Who.
    pub by: StaffId,
    /// Their name.
    pub by_name: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What happens next.
    pub disposition: Disposition,
    /// Why it differs from what the protocol found.
    pub override_reason: Option<Private<String>>,
    /// What was agreed with the caller.
    pub agreed_plan: Private<String>,
}

/// What a nurse signs.
#[derive(Clone)]
pub struct Signing {
    /// The revision they saw; a later one must be read first.
    pub revision: i32,
    /// What happens next.
    pub disposition: Disposition,
    /// Why it is less urgent than what the protocol found.
    pub override_reason: Option<Private<String>>,
    /// What was agreed with the caller.
    pub agreed_plan: Private<String>,
}

/// How a decision stands to what the protocol found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The same.
    AsFound,
    /// More urgent: always free.
    Raised,
    /// Less urgent, with a reason.
    Lowered,
}

impl Decision {
    /// The code recorded.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AsFound => "as_found",
            Self::Raised => "raised",
            Self::Lowered => "lowered",
        }
    }
}

/// Why an assessment cannot be signed like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNotSign {
    /// Questions the protocol requires are open.
    #[error("These questions must be answered first: {0}.")]
    Unanswered(String),
    /// Nothing has fired.
    #[error("The protocol has not come to a disposition yet; answer the open questions first.")]
    Undecided,
    /// A level of emergency is not lowered by one person.
    #[error("The protocol found {0}. One person cannot lower that; ask a second clinician and keep it until then.")]
    EmergencyStands(&'static str),
    /// Red flags were not asked, and their floor holds.
    #[error("Red flags were not asked ({0}), so it stays at {1} or above. Ask them to go lower.")]
    FloorHolds(String, &'static str),
    /// A less urgent decision has no reason.
    #[error("This is less urgent than the protocol found. Write why before signing.")]
    NoReason,
}

/// Whether a decision may be signed. Upwards is free; downwards needs a reason; a level of emergency is never lowered by
/// one person, and the floor of unasked red flags holds until they are asked. `name` says a question in words.
///
/// # Errors
/// Says in a sentence what to do first.
pub fn decide(
    evaluation: &Evaluation,
    signing: &Signing,
    name: impl Fn(&str) -> String,
) -> Result<Decision, MayNotSign> {
    let named = |ids: &[String]| ids.iter().map(|id| format!("“{}”", name(id))).collect::<Vec<_>>().join(", ");
    if !evaluation.missing_required.is_empty() {
        return Err(MayNotSign::Unanswered(named(&evaluation.missing_required)));
    }
    let found = evaluation.disposition.ok_or(MayNotSign::Undecided)?;
    if signing.disposition == found {
        return Ok(Decision::AsFound);
    }
    if signing.disposition > found {
        return Ok(Decision::Raised);
    }
    if found >= Disposition::HospiceNow {
        return Err(MayNotSign::EmergencyStands(found.words()));
    }
    if let Some(floor) = evaluation.floor.filter(|floor| signing.disposition < floor.level) {
        return Err(MayNotSign::FloorHolds(named(&evaluation.unanswered_red_flags), floor.level.words()));
    }
    if signing.override_reason.as_ref().is_none_or(|reason| reason.reveal().trim().is_empty()) {
        return Err(MayNotSign::NoReason);
    }
    Ok(Decision::Lowered)
}

/// How long until somebody looks again: the protocol's own clock, or the ward's when the nurse chose a level the
/// protocol does not use.
#[must_use]
pub fn look_again_within(package: &Package, level: Disposition) -> Duration {
    package.protocol.follow_up.get(&level).map_or_else(|| ward_clock(level), |clock| clock.within)
}

fn ward_clock(level: Disposition) -> Duration {
    match level {
        Disposition::EmergencyNow => Duration::hours(2),
        Disposition::HospiceNow => Duration::hours(1),
        Disposition::Clinician1h => Duration::hours(4),
        Disposition::SameDay => Duration::hours(24),
        Disposition::Within24h => Duration::hours(48),
        Disposition::Within72h => Duration::days(7),
        Disposition::Routine => Duration::days(14),
        Disposition::SelfCare => Duration::days(3),
    }
}
