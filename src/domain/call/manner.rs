//! Who asks on a call: a nurse, an automatic voice that is answered by keys, or texts that are answered by texts.

use crate::domain::contact_hours::Channel;
use serde::{Deserialize, Serialize};

/// Who asks on a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallManner {
    /// A nurse.
    #[default]
    Nurse,
    /// An automatic voice; keys answer it, and a nurse reads the answers afterwards.
    Keypad,
    /// Automated texts; replies answer them, no telephone rings, and a nurse reads the answers afterwards.
    ReplyText,
}

impl CallManner {
    /// Every manner, in the order forms list them.
    pub const ALL: [Self; 3] = [Self::Nurse, Self::Keypad, Self::ReplyText];

    /// The word stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nurse => "nurse",
            Self::Keypad => "keypad",
            Self::ReplyText => "reply_text",
        }
    }

    /// The manner of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|manner| manner.word() == word)
    }

    /// The way by which the patient is reached.
    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::Nurse | Self::Keypad => Channel::Voice,
            Self::ReplyText => Channel::Text,
        }
    }

    /// Whether a machine asks and a nurse reads the answers afterwards.
    #[must_use]
    pub const fn is_automatic(self) -> bool {
        match self {
            Self::Nurse => false,
            Self::Keypad | Self::ReplyText => true,
        }
    }
}
