//! Who said what: utterances by speaker, in the order they began, and when each of their words was said.

use serde::{Deserialize, Serialize};

/// Most characters of a correction.
pub const LONGEST_CORRECTION: usize = 2_000;
/// A word of which the engine is less sure than this, of a hundred, is marked for the eye.
pub const UNSURE_BELOW: u8 = 60;
/// Words of the engine that are looked through for one of the text: it may have heard fillers that it does not write.
const LOOK_AHEAD: usize = 4;

/// Who speaks on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The patient.
    Patient,
    /// A caregiver.
    Caregiver,
    /// The nurse.
    Nurse,
}

impl Voice {
    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Caregiver => "caregiver",
            Self::Nurse => "nurse",
        }
    }

    /// The voice of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Patient, Self::Caregiver, Self::Nurse].into_iter().find(|voice| voice.word() == word)
    }
}

/// When one word was said, in milliseconds since its utterance began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordTime {
    /// When it began.
    pub from_ms: u32,
    /// When it ended.
    pub to_ms: u32,
    /// How sure the engine is, of a hundred, where it says so.
    pub confidence: Option<u8>,
}

impl WordTime {
    /// Whether a reader should doubt it.
    #[must_use]
    pub const fn is_unsure(self) -> bool {
        matches!(self.confidence, Some(confidence) if confidence < UNSURE_BELOW)
    }
}

/// The words of a text as a reader sees them, parted at blanks.
pub fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// Gives each word of a text its time, from words that were heard one by one. Engines write a text with commas and capitals
/// that the single words may lack, and leave words out of either; a word without its equal has no time.
#[must_use]
pub fn timed(text: &str, heard: &[(String, WordTime)]) -> Vec<Option<WordTime>> {
    let mut rest = heard;
    words_of(text)
        .map(|word| {
            let wanted = plain(word);
            let place = rest.iter().take(LOOK_AHEAD).position(|(heard, _)| plain(heard) == wanted)?;
            let time = rest.get(place).map(|(_, time)| *time);
            rest = rest.get(place.saturating_add(1)..).unwrap_or_default();
            time
        })
        .collect()
}

/// The times of a corrected text: words that stand in both keep theirs.
#[must_use]
pub fn timed_again(corrected: &str, text: &str, times: &[Option<WordTime>]) -> Vec<Option<WordTime>> {
    let known: Vec<_> = words_of(text)
        .zip(times)
        .filter_map(|(word, time)| {
            // What a person has written is not doubted any more.
            time.map(|time| (word.to_owned(), WordTime { confidence: None, ..time }))
        })
        .collect();
    timed(corrected, &known)
}

/// A word without what engines write differently.
fn plain(word: &str) -> String {
    word.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
