//! What a nurse makes of a draft: every item is accepted, put in other words, or dropped, and then signed. Until then no
//! line of it is in the record.

use super::{Item, ItemKind, Source};
use crate::domain::{
    ids::{ItemId, StaffId},
    private::Private,
    transcript::Voice,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest words that a nurse may put in the place of an item, in characters.
pub const LONGEST_WORDS: usize = 1_000;

/// What was decided about one item.
#[derive(Clone, PartialEq, Eq)]
pub enum Decided {
    /// It stands as it was found.
    Accepted,
    /// It stands in the nurse's own words, with the quotation beside it.
    Edited(Private<String>),
    /// It does not enter the record.
    Dropped,
}

impl Decided {
    /// The word stored.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Edited(_) => "edited",
            Self::Dropped => "dropped",
        }
    }

    /// From a form or a row: a word, and the nurse's words if there are any.
    #[must_use]
    pub fn read(word: &str, words: Option<&str>) -> Option<Self> {
        let words = words.map(str::trim).filter(|words| !words.is_empty());
        match (word, words) {
            ("accepted", _) => Some(Self::Accepted),
            ("dropped", _) => Some(Self::Dropped),
            ("edited", Some(words)) if words.chars().count() <= LONGEST_WORDS => {
                Some(Self::Edited(Private::new(words.to_owned())))
            }
            _ => None,
        }
    }
}

/// A stored item with what was decided about it last.
#[derive(Clone)]
pub struct DraftItem {
    /// Its id.
    pub id: ItemId,
    /// The item.
    pub item: Item,
    /// What was decided about it; `None` while it is open.
    pub decided: Option<Decided>,
}

/// A signature under a summary.
#[derive(Clone)]
pub struct SummarySignature {
    /// Who.
    pub by: StaffId,
    /// Their name.
    pub by_name: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What they signed.
    pub lines: Vec<Line>,
}

/// One line of a signed summary: what it says, and the words it rests on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is about.
    pub kind: ItemKind,
    /// The item it was made of.
    pub item: ItemId,
    /// What was found, in words.
    pub label: String,
    /// What the nurse wrote in its place; empty when they accepted it.
    pub written: String,
    /// What was said, letter by letter.
    pub quotes: Vec<LineQuote>,
}

/// A quotation in a signed line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineQuote {
    /// Who said it.
    pub voice: Voice,
    /// The words.
    pub words: String,
}

/// The lines that a signature puts into the record.
///
/// # Errors
/// How many items are still open.
pub fn lines(items: &[DraftItem]) -> Result<Vec<Line>, usize> {
    let open = items.iter().filter(|item| item.decided.is_none()).count();
    if open > 0 {
        return Err(open);
    }
    let line = |item: &DraftItem| {
        let written = match item.decided.as_ref()? {
            Decided::Dropped => return None,
            Decided::Accepted => String::new(),
            Decided::Edited(words) => words.reveal().clone(),
        };
        let quote = |source: &Source| LineQuote { voice: source.voice, words: source.words.reveal().clone() };
        let quotes = item.item.sources.iter().map(quote).collect();
        Some(Line { kind: item.item.kind, item: item.id, label: item.item.label(), written, quotes })
    };
    Ok(items.iter().filter_map(line).collect())
}

/// SHA-256 of signed lines; it stands in the record.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn hash_of(lines: &[Line]) -> Result<Vec<u8>, serde_json::Error> {
    Ok(Sha256::digest(serde_json::to_vec(lines)?).to_vec())
}
