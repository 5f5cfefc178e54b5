//! Listening to a live call in a browser: how it ends, and how long the patient's being told of it takes.

use chrono::TimeDelta;

/// The patient hears the announcement out before anybody listens: it takes this long from when the carrier began it.
pub const ANNOUNCEMENT_LASTS: TimeDelta = TimeDelta::seconds(4);

/// How somebody's listening ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListeningEnd {
    /// They pressed the button.
    Stopped,
    /// Their browser went.
    Closed,
    /// They may not any more, or their process died.
    CutOff,
    /// Nobody talks any more.
    CallOver,
    /// The patient could not be told of it.
    NotAnnounced,
    /// The call is heard by another process.
    NotHere,
}

impl ListeningEnd {
    const ALL: [Self; 6] =
        [Self::Stopped, Self::Closed, Self::CutOff, Self::CallOver, Self::NotAnnounced, Self::NotHere];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Closed => "closed",
            Self::CutOff => "cut_off",
            Self::CallOver => "call_over",
            Self::NotAnnounced => "not_announced",
            Self::NotHere => "not_here",
        }
    }

    /// The end of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.word() == word)
    }
}
