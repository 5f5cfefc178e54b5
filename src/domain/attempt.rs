//! The attempt: one dial through the carrier. Intent is written before the telephone is touched; an unknown outcome is
//! reconciled with the carrier, never repeated.

use super::{
    answering::AnsweredBy,
    ids::{AttemptId, CallId, GuestId, StaffId},
};
use chrono::{DateTime, Duration, Utc};

/// After this long without any trace at the carrier, with enough clean lists, an attempt counts as not placed: client
/// limit 12 s and the carrier's platform limit 26 s, and the lag of its list, four times over.
pub const SETTLE_SECONDS: i64 = 180;

/// Lists without a trace that settling needs, at least.
pub const CLEAN_LISTS: i32 = 3;

/// How far apart such lists are, at least.
pub const CLEAN_GAP_SECONDS: i64 = 20;

/// After this long an attempt that can be neither found nor proven absent is left to a person.
pub const UNRESOLVED_AFTER_MINUTES: i64 = 30;

/// A dial that the carrier would keep waiting longer than this is taken back.
pub const LONGEST_QUEUE_SECONDS: u64 = 10;

/// The outcome of an attempt that was taken back from the carrier's queue.
pub const QUEUED_TOO_LONG: &str = "queued_too_long";

/// Surplus rings are looked for so long after an attempt, often.
pub const TAIL_MINUTES: i64 = 15;

/// And so long, now and then: the carrier's own queue is 24 h long.
pub const WIDE_TAIL_HOURS: i64 = 25;

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState {
    /// Written, not yet allowed to be sent.
    Intent,
    /// Allowed to be sent once.
    Dialing,
    /// The carrier has it; its sid is ours.
    Bound,
    /// The carrier refused it, or nothing was sent.
    Rejected,
    /// Sent, no reply: reconciled with the carrier.
    Unknown,
    /// Never sent: its lease ran out before it was allowed.
    Abandoned,
    /// Proven absent at the carrier.
    NotPlaced,
    /// A person decides.
    NeedsPerson,
}

impl AttemptState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Intent,
        Self::Dialing,
        Self::Bound,
        Self::Rejected,
        Self::Unknown,
        Self::Abandoned,
        Self::NotPlaced,
        Self::NeedsPerson,
    ];

    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Dialing => "dialing",
            Self::Bound => "bound",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Abandoned => "abandoned",
            Self::NotPlaced => "not_placed",
            Self::NeedsPerson => "needs_person",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Whom an attempt rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The patient's number.
    Patient,
    /// A nurse's telephone.
    Nurse(StaffId),
    /// Somebody asked into a live call.
    Guest {
        /// Who they are to the call.
        guest: GuestId,
        /// The colleague, if it is one.
        staff: Option<StaffId>,
    },
}

impl Party {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Nurse(_) => "nurse",
            Self::Guest { .. } => "guest",
        }
    }

    /// The staff member whose telephone it is.
    #[must_use]
    pub const fn staff(self) -> Option<StaffId> {
        match self {
            Self::Patient => None,
            Self::Nurse(staff) => Some(staff),
            Self::Guest { staff, .. } => staff,
        }
    }

    /// Who was asked in, if somebody was.
    #[must_use]
    pub const fn guest(self) -> Option<GuestId> {
        match self {
            Self::Patient | Self::Nurse(_) => None,
            Self::Guest { guest, .. } => Some(guest),
        }
    }

    /// Whom stored columns stand for; `None` when they contradict each other.
    #[must_use]
    pub fn from_stored(word: &str, staff: Option<StaffId>, guest: Option<GuestId>) -> Option<Self> {
        match (word, staff, guest) {
            ("patient", None, None) => Some(Self::Patient),
            ("nurse", Some(staff), None) => Some(Self::Nurse(staff)),
            ("guest", staff, Some(guest)) => Some(Self::Guest { guest, staff }),
            (_, _, _) => None,
        }
    }

    /// Whether this is the telephone of whoever is the call's nurse now: a call that was handed over has another one than
    /// the nurse who was rung for it.
    #[must_use]
    pub fn is_that_of(self, nurse: Option<StaffId>) -> bool {
        self.staff().is_some() && self.staff() == nurse
    }
}

/// One dial of a call through the carrier.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its id, part of every callback address.
    pub id: AttemptId,
    /// The call it belongs to.
    pub call: CallId,
    /// Whom it rings.
    pub party: Party,
    /// Where it stands.
    pub state: AttemptState,
    /// The carrier's name for it, once bound.
    pub sid: Option<String>,
    /// How far the carrier says it came; a later message never moves it back.
    pub status_rank: i32,
    /// What became of it, once its story is told; later endings add nothing to the call.
    pub outcome: Option<String>,
    /// Who may write: it grows when somebody takes the attempt over.
    pub epoch: i64,
    /// Whether it still belongs to its dialler, by the database's clock.
    pub is_leased: bool,
    /// Lists of the carrier without a trace of it.
    pub clean_lists: i32,
    /// When the last of them was seen.
    pub last_clean_at: Option<DateTime<Utc>>,
    /// When it was allowed to be sent.
    pub posted_at: Option<DateTime<Utc>>,
    /// When somebody answered and was first asked something.
    pub answered_at: Option<DateTime<Utc>>,
    /// Who answered, as the carrier guesses; a hint.
    pub answered_by: Option<AnsweredBy>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Whose message a callback is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The attempt already has this sid.
    Ours,
    /// The attempt waits for its sid; this one is it.
    Binds,
    /// A surplus ring: another sid owns the attempt, or it must not ring any more.
    Surplus,
}

impl Attempt {
    /// Whether a carrier call belongs to this attempt. The answer gate: a surplus ring is hung up unheard.
    #[must_use]
    pub fn owns(&self, sid: &str) -> Ownership {
        match (self.state, self.sid.as_deref()) {
            (AttemptState::Bound, Some(own)) if own == sid => Ownership::Ours,
            (AttemptState::Dialing | AttemptState::Unknown, None) => Ownership::Binds,
            (
                AttemptState::Intent
                | AttemptState::Dialing
                | AttemptState::Bound
                | AttemptState::Rejected
                | AttemptState::Unknown
                | AttemptState::Abandoned
                | AttemptState::NotPlaced
                | AttemptState::NeedsPerson,
                _,
            ) => Ownership::Surplus,
        }
    }

    /// Whether one more clean list counts: lists close together say the same thing twice.
    #[must_use]
    pub fn counts_clean_list(&self, now: DateTime<Utc>) -> bool {
        self.last_clean_at.is_none_or(|last| now - last >= Duration::seconds(CLEAN_GAP_SECONDS))
    }

    /// Whether the carrier has had long enough, and shown itself clean often enough, that this attempt never existed.
    #[must_use]
    pub fn is_settled_absent(&self, now: DateTime<Utc>) -> bool {
        self.clean_lists >= CLEAN_LISTS
            && self.posted_at.is_some_and(|posted| now - posted >= Duration::seconds(SETTLE_SECONDS))
    }

    /// What can be said of an attempt that the carrier's list does not show.
    #[must_use]
    pub fn absence(&self, now: DateTime<Utc>) -> Absence {
        if self.is_settled_absent(now) {
            return Absence::Proven;
        }
        let waited = self.posted_at.map(|posted| now - posted);
        if waited.is_some_and(|waited| waited >= Duration::minutes(UNRESOLVED_AFTER_MINUTES)) {
            return Absence::Unresolvable;
        }
        Absence::Open
    }
}

/// What a list of the carrier without a trace of an attempt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Too early to say; look again.
    Open,
    /// It never existed.
    Proven,
    /// It will not be known; a person decides.
    Unresolvable,
}

/// How far a call came, ranked: a later event never moves it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CarrierStatus {
    /// Accepted, not yet dialled.
    Queued,
    /// Being dialled.
    Initiated,
    /// Ringing.
    Ringing,
    /// Answered.
    InProgress,
    /// Ended after an answer.
    Completed,
    /// The line was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The carrier could not connect it.
    Failed,
    /// Cancelled before an answer.
    Canceled,
}

impl CarrierStatus {
    /// Whether nothing more can happen.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress => false,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => true,
        }
    }

    /// The rank stored with an attempt: a message of a lower or equal rank is old news.
    #[must_use]
    pub const fn rank(self) -> i32 {
        match self {
            Self::Queued => 1,
            Self::Initiated => 2,
            Self::Ringing => 3,
            Self::InProgress => 4,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => 5,
        }
    }

    /// The terminal status of a stored code.
    #[must_use]
    pub fn from_ending(code: &str) -> Option<Self> {
        [Self::Completed, Self::Busy, Self::NoAnswer, Self::Failed, Self::Canceled]
            .into_iter()
            .find(|status| status.ending() == Some(code))
    }

    /// The code stored as an ended attempt's outcome; `None` while it runs.
    #[must_use]
    pub const fn ending(self) -> Option<&'static str> {
        match self {
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress => None,
            Self::Completed => Some("completed"),
            Self::Busy => Some("busy"),
            Self::NoAnswer => Some("no_answer"),
            Self::Failed => Some("failed"),
            Self::Canceled => Some("canceled"),
        }
    }
}
