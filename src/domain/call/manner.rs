//! Who asks on a call: a nurse, or an automatic voice that is answered by keys.

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
}

impl CallManner {
    /// Every manner, in the order forms list them.
    pub const ALL: [Self; 2] = [Self::Nurse, Self::Keypad];

    /// The word stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nurse => "nurse",
            Self::Keypad => "keypad",
        }
    }

    /// The manner of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|manner| manner.word() == word)
    }
}
