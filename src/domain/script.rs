//! The call script: what is said to whoever answers, before anything clinical, and what keys they may press.

use super::people::Language;

/// What the carrier should do next on a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Say something and wait for keys.
    Ask {
        /// The voice.
        language: Language,
        /// The words.
        text: String,
        /// How many keys are awaited.
        digits: u8,
        /// How long to wait for the first key.
        wait_seconds: u8,
    },
    /// Say something and end the call.
    Farewell {
        /// The voice.
        language: Language,
        /// The words; empty means to hang up without a word.
        text: String,
    },
    /// Say something and enter the conference.
    Join {
        /// The voice.
        language: Language,
        /// The words before entering.
        text: String,
        /// The conference's name: an id, never a person's name.
        conference: String,
        /// Whether the conference ends when this leg leaves.
        ends_on_exit: bool,
    },
}
