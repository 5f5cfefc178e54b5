//! Follow-ups: work owed to a patient, with an owner, a due time and a ladder of people it climbs when nobody acts.

use super::{
    call::Owed,
    disposition::Disposition,
    ids::{AssessmentId, CallId, FollowUpId, PatientId, StaffId},
    people::Role,
    private::Private,
};
use chrono::{DateTime, Duration, Utc};

/// Why work is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUpReason {
    /// A signed assessment asks for it.
    Assessment,
    /// A call ended without what it was for.
    Call(Owed),
    /// Careline gave up work on a call.
    JobGivenUp,
    /// A text came in that may be about an emergency or how somebody feels.
    UrgentText,
    /// A text came in that a person must read.
    TextToRead,
    /// A staff member's text did not arrive.
    TextLost,
    /// A planned call was called off because a rule forbids it until a person acts.
    HeldBack,
}

impl FollowUpReason {
    /// Every reason.
    pub const ALL: [Self; 23] = [
        Self::Assessment,
        Self::Call(Owed::Missed),
        Self::Call(Owed::IdentityNotProven),
        Self::Call(Owed::CaregiverMayNot),
        Self::Call(Owed::NoNurse),
        Self::Call(Owed::PatientHungUpWaiting),
        Self::Call(Owed::NumberRefused),
        Self::Call(Owed::Unresolved),
        Self::Call(Owed::CarrierAway),
        Self::Call(Owed::Overdue),
        Self::Call(Owed::RangTwice),
        Self::Call(Owed::CallerGone),
        Self::Call(Owed::NeverRung),
        Self::Call(Owed::CheckInToRead),
        Self::Call(Owed::CheckInCutOff),
        Self::Call(Owed::CheckInSilent),
        Self::Call(Owed::CheckInPerson),
        Self::Call(Owed::RedFlagAlone),
        Self::JobGivenUp,
        Self::UrgentText,
        Self::TextToRead,
        Self::TextLost,
        Self::HeldBack,
    ];

    /// The code stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Assessment => "assessment",
            Self::Call(owed) => owed.code(),
            Self::JobGivenUp => "job_given_up",
            Self::UrgentText => "urgent_text",
            Self::TextToRead => "text_to_read",
            Self::TextLost => "text_lost",
            Self::HeldBack => "call_held_back",
        }
    }

    /// The reason of a stored code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What a person reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Assessment => "Agreed in a signed assessment",
            Self::Call(Owed::Missed) => "Nobody was reached",
            Self::Call(Owed::IdentityNotProven) => "Identity was not proven",
            Self::Call(Owed::CaregiverMayNot) => "A caregiver without consent answered",
            Self::Call(Owed::NoNurse) => "The patient waited and no nurse came",
            Self::Call(Owed::PatientHungUpWaiting) => "The patient hung up while waiting",
            Self::Call(Owed::NumberRefused) => "The number cannot be dialled",
            Self::Call(Owed::Unresolved) => "It is unknown whether the telephone rang",
            Self::Call(Owed::CarrierAway) => "The telephone service takes no calls",
            Self::Call(Owed::Overdue) => "A call is due and was not rung",
            Self::Call(Owed::RangTwice) => "The telephone rang once too often",
            Self::Call(Owed::CallerGone) => "They rang us and were cut off",
            Self::Call(Owed::NeverRung) => "No nurse took the call",
            Self::Call(Owed::CheckInToRead) => "A check-in waits to be read",
            Self::Call(Owed::CheckInCutOff) => "A check-in broke off in the middle",
            Self::Call(Owed::CheckInSilent) => "Nobody answered a check-in any more",
            Self::Call(Owed::CheckInPerson) => "They asked for a person by text",
            Self::Call(Owed::RedFlagAlone) => "A red flag, and no nurse spoke with them",
            Self::JobGivenUp => "Careline gave up work",
            Self::UrgentText => "A text may be about an emergency",
            Self::TextToRead => "A text waits for an answer",
            Self::TextLost => "A text did not arrive",
            Self::HeldBack => "A rule called a planned call off",
        }
    }

    /// How urgent this work is when no assessment says so. A patient who waited for us goes before one who did not.
    #[must_use]
    pub const fn default_urgency(self) -> Disposition {
        match self {
            Self::Call(Owed::RedFlagAlone) => Disposition::EmergencyNow,
            // The answers decide; see `store::errands`.
            Self::Call(Owed::CheckInToRead) => Disposition::Routine,
            Self::Call(
                Owed::NoNurse
                | Owed::PatientHungUpWaiting
                | Owed::Unresolved
                | Owed::CarrierAway
                | Owed::Overdue
                | Owed::CallerGone
                | Owed::CheckInPerson
                | Owed::NeverRung,
            )
            | Self::JobGivenUp
            | Self::UrgentText => Disposition::Clinician1h,
            Self::Call(
                Owed::Missed
                | Owed::IdentityNotProven
                | Owed::CaregiverMayNot
                | Owed::RangTwice
                | Owed::CheckInCutOff
                | Owed::CheckInSilent,
            )
            | Self::TextToRead
            | Self::HeldBack => Disposition::SameDay,
            Self::Assessment | Self::Call(Owed::NumberRefused) | Self::TextLost => Disposition::Within24h,
        }
    }
}

/// How long a level may wait before somebody must have acted, when the protocol does not say.
#[must_use]
pub fn default_within(urgency: Disposition) -> Duration {
    match urgency {
        Disposition::EmergencyNow => Duration::hours(2),
        Disposition::HospiceNow | Disposition::Clinician1h => Duration::hours(1),
        Disposition::SameDay => Duration::hours(4),
        Disposition::Within24h => Duration::hours(24),
        Disposition::Within72h | Disposition::SelfCare => Duration::hours(72),
        Disposition::Routine => Duration::days(14),
    }
}

/// Work to be opened.
#[derive(Clone)]
pub struct NewFollowUp {
    /// Whom it is owed to.
    pub patient: PatientId,
    /// The call it came from.
    pub call: Option<CallId>,
    /// The assessment it came from.
    pub assessment: Option<AssessmentId>,
    /// Why.
    pub reason: FollowUpReason,
    /// What a person should do, in a sentence.
    pub summary: Private<String>,
    /// How urgent.
    pub urgency: Disposition,
    /// Who should own it; when absent or away: the call's nurse, the patient's, one on duty, a coordinator.
    pub owner: Option<StaffId>,
    /// When somebody must have acted.
    pub due_at: DateTime<Utc>,
    /// One cause makes one follow-up, however often its job runs.
    pub once_key: String,
}

impl NewFollowUp {
    /// Work owed after a call that did not do what it was for, due by its default clock.
    #[must_use]
    pub fn after_call(call: CallId, patient: PatientId, owed: Owed, now: DateTime<Utc>) -> Self {
        let reason = FollowUpReason::Call(owed);
        let urgency = reason.default_urgency();
        Self {
            patient,
            call: Some(call),
            assessment: None,
            reason,
            summary: Private::new(format!("{}. Try another way of reaching the patient.", reason.words())),
            urgency,
            owner: None,
            due_at: now + default_within(urgency),
            once_key: format!("call:{call}:{}", owed.code()),
        }
    }
}

/// What became of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// New work.
    New(FollowUpId),
    /// The same cause opened it before.
    Before(FollowUpId),
}

impl Opened {
    /// The follow-up, new or not.
    #[must_use]
    pub const fn id(self) -> FollowUpId {
        match self {
            Self::New(id) | Self::Before(id) => id,
        }
    }
}

/// One follow-up as a person reads it.
#[derive(Clone)]
pub struct FollowUp {
    /// Its id.
    pub id: FollowUpId,
    /// Whom it is owed to.
    pub patient: PatientId,
    /// The patient's name.
    pub patient_name: Private<String>,
    /// The call it came from.
    pub call: Option<CallId>,
    /// Why.
    pub reason: FollowUpReason,
    /// What a person should do.
    pub summary: Private<String>,
    /// How urgent.
    pub urgency: Disposition,
    /// Who owns it.
    pub owner: StaffId,
    /// The owner's name.
    pub owner_name: String,
    /// When somebody must have acted.
    pub due_at: DateTime<Utc>,
    /// How often it went to the next person.
    pub escalations: i32,
    /// When and with what outcome it was done; `None` while it is open.
    pub done: Option<Done>,
}

impl FollowUp {
    /// Whether its time has passed with nobody having acted.
    #[must_use]
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.done.is_none() && self.due_at <= now
    }
}

/// How a follow-up ended.
#[derive(Clone)]
pub struct Done {
    /// When.
    pub at: DateTime<Utc>,
    /// What was done, in a person's words.
    pub outcome: Private<String>,
}

/// Whom overdue work goes to next: first to a coordinator, then to a physician, and there it stays, in sight.
#[must_use]
pub const fn next_rung(escalations: i32) -> Option<Role> {
    match escalations {
        i32::MIN..=0 => Some(Role::Coordinator),
        1 => Some(Role::Physician),
        2..=i32::MAX => None,
    }
}

/// How long the next person has before it climbs again.
#[must_use]
pub fn patience(urgency: Disposition) -> Duration {
    match urgency {
        Disposition::EmergencyNow | Disposition::HospiceNow => Duration::minutes(5),
        Disposition::Clinician1h => Duration::minutes(15),
        Disposition::SameDay => Duration::hours(1),
        Disposition::Within24h | Disposition::Within72h | Disposition::Routine | Disposition::SelfCare => {
            Duration::hours(4)
        }
    }
}
