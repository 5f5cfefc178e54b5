//! The floor of a live call: who is asked into it, in which part, and how each leg sits in the conference.

use super::ids::{GuestId, StaffId};
use chrono::{DateTime, TimeDelta, Utc};

/// After this long on hold the page reminds the nurse of the patient.
pub const LONG_HOLD: TimeDelta = TimeDelta::minutes(2);

/// How long somebody who pressed 1 waits for the announcement to the patient before they are let go.
pub const ANNOUNCED_WITHIN: TimeDelta = TimeDelta::seconds(30);

/// What a leg may do in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Hears everybody and is heard by everybody.
    Talks,
    /// Hears everybody and is heard by nobody.
    Listens,
    /// Hears everybody and is heard by the nurse alone.
    Coaches,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Talks, Self::Listens, Self::Coaches];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Talks => "talks",
            Self::Listens => "listens",
            Self::Coaches => "coaches",
        }
    }

    /// The part of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }
}

/// Who is asked into a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestKind {
    /// A physician.
    Physician,
    /// An interpreter.
    Interpreter,
    /// Somebody else of the organization.
    Colleague,
    /// Somebody else outside it.
    Other,
    /// A coordinator who listens or coaches.
    Supervisor,
}

impl GuestKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Physician, Self::Interpreter, Self::Colleague, Self::Other, Self::Supervisor];
    /// The kinds a number outside the organization may have.
    pub const OUTSIDE: [Self; 3] = [Self::Physician, Self::Interpreter, Self::Other];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Physician => "physician",
            Self::Interpreter => "interpreter",
            Self::Colleague => "colleague",
            Self::Other => "other",
            Self::Supervisor => "supervisor",
        }
    }

    /// The word shown.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Physician => "Physician",
            Self::Interpreter => "Interpreter",
            Self::Colleague => "Colleague",
            Self::Other => "Guest",
            Self::Supervisor => "Supervisor",
        }
    }

    /// The kind of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Where somebody who was asked in stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestState {
    /// Their telephone rings, or is about to.
    Asked,
    /// They pressed 1 and wait for the announcement to the patient.
    Admitted,
    /// They are in the conference, or on the way into it.
    Joined,
    /// They were in it.
    Left,
    /// They never were.
    DidNotCome,
}

impl GuestState {
    const ALL: [Self; 5] = [Self::Asked, Self::Admitted, Self::Joined, Self::Left, Self::DidNotCome];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Admitted => "admitted",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::DidNotCome => "did_not_come",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Whose telephone is rung to ask somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A colleague's.
    Staff(StaffId),
    /// A number of the organization's list.
    Outside(super::ids::OutsideId),
}

/// Somebody who was asked in.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// Their id on this call.
    pub id: GuestId,
    /// The call.
    pub call: super::ids::CallId,
    /// Who they are to the call.
    pub kind: GuestKind,
    /// What they may do in it.
    pub part: Part,
    /// Whose telephone rings.
    pub whom: Whom,
    /// Where they stand.
    pub state: GuestState,
    /// When they pressed 1.
    pub admitted_at: Option<DateTime<Utc>>,
    /// When the patient was told of them.
    pub announced_at: Option<DateTime<Utc>>,
    /// When somebody let them go.
    pub dismissed_at: Option<DateTime<Utc>>,
}

impl Guest {
    /// The colleague, if it is one.
    #[must_use]
    pub const fn staff(&self) -> Option<StaffId> {
        match self.whom {
            Whom::Staff(staff) => Some(staff),
            Whom::Outside(_) => None,
        }
    }

    /// Whether the patient must hear of them before they hear the patient.
    #[must_use]
    pub const fn waits_for_announcement(&self, policy: Supervision) -> bool {
        match (self.part, policy) {
            (Part::Listens | Part::Coaches, Supervision::Announced) => self.announced_at.is_none(),
            (Part::Talks, _) | (_, Supervision::AtEnrolment) => false,
        }
    }
}

/// How patients learn that somebody supervises a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervision {
    /// They hear it each time, before anybody listens.
    Announced,
    /// They were told when they were admitted to the service.
    AtEnrolment,
}

impl Supervision {
    /// Every policy.
    pub const ALL: [Self; 2] = [Self::Announced, Self::AtEnrolment];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::AtEnrolment => "at_enrolment",
        }
    }

    /// What it means, for the admin's page.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Announced => "The patient hears it each time, before anybody listens",
            Self::AtEnrolment => "The patient was told at enrolment; nothing is said on the call",
        }
    }

    /// The policy of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.word() == word)
    }
}

/// How a leg is to sit in its conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// On hold: hears our words now and then, and nobody; heard by nobody.
    pub held: bool,
    /// Heard by nobody.
    pub muted: bool,
    /// Whether the conference ends when it leaves.
    pub ends: bool,
    /// What it may do.
    pub part: Part,
}

impl Seat {
    /// As a leg enters that talks; the conference ends with the patient's and with the nurse's.
    #[must_use]
    pub const fn talking(ends: bool) -> Self {
        Self { held: false, muted: false, ends, part: Part::Talks }
    }
}

/// Why nobody listens to a leg that is on the line: nothing of it is transcribed, recorded or passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hush {
    /// It is on hold, and does not know that its room could be heard.
    OnHold,
    /// It muted itself.
    Muted,
}

impl Hush {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OnHold => "on_hold",
            Self::Muted => "muted",
        }
    }

    /// The reason of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::OnHold, Self::Muted].into_iter().find(|hush| hush.word() == word)
    }
}

/// Whether a leg is hushed, as it was written last. It begins with the wish and ends when the carrier has confirmed its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hushing {
    /// Why, if it is.
    pub now: Option<Hush>,
    /// Counts beginnings and ends; of two of these the higher one is the newer.
    pub revision: u32,
    /// When the newest stretch began.
    pub since: Option<DateTime<Utc>>,
}
