//! A surplus ring: a call at the carrier that belongs to no attempt. It is ended unheard, and reported.

use super::ids::{AttemptId, CallId};

/// How it was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// The carrier's reply came when the attempt was settled already.
    Reply,
    /// The list showed several rings for one attempt.
    List,
    /// Somebody answered it, and heard nothing.
    Gate,
    /// A sweep of the carrier's list.
    Sweep,
}

impl FoundBy {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::List => "list",
            Self::Gate => "gate",
            Self::Sweep => "sweep",
        }
    }
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrphanState {
    /// Noticed.
    Found,
    /// The carrier was asked to end it.
    CancelRequested,
    /// It ended before anybody answered.
    ConfirmedEnded,
    /// Somebody answered a ring that was not meant; a person looks into it.
    Incident,
}

impl OrphanState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Found, Self::CancelRequested, Self::ConfirmedEnded, Self::Incident];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::CancelRequested => "cancel_requested",
            Self::ConfirmedEnded => "confirmed_ended",
            Self::Incident => "incident",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing more is to be done.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::Found | Self::CancelRequested => false,
            Self::ConfirmedEnded | Self::Incident => true,
        }
    }
}

/// A surplus ring as it is stored.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// The carrier's name for it.
    pub sid: String,
    /// The call whose numbers it rang.
    pub call: CallId,
    /// That call's latest attempt.
    pub attempt: AttemptId,
    /// Where it stands.
    pub state: OrphanState,
}
