//! The draft summary after a call: what was said about symptoms, scores, medicines, worries and promises, each item with the
//! words it came from. It is a draft for a nurse: it quotes, it decides nothing, and what cannot be found in the words of
//! the call is withheld.

mod answers;
pub mod evidence;
pub mod extract;
pub mod lexicon;
pub mod medicines;
pub mod model;
mod promises;
mod scores;
pub mod settle;
pub mod speech;
pub mod stance;
pub mod verify;

use super::{ids::UtteranceId, private::Private, transcript::Voice};
use lexicon::Symptom;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The lists and rules by which items are found; a replay names it when it differs.
pub const RULES: &str = "summary-1";

/// Most items of a draft; a call that names more has them in its transcript.
pub const ITEMS_MOST: usize = 60;

/// One utterance, as it was heard.
#[derive(Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its id.
    pub id: UtteranceId,
    /// Who spoke.
    pub voice: Voice,
    /// The words.
    pub text: Private<String>,
}

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A symptom, there or not there.
    Symptom,
    /// A number from 0 to 10.
    Score,
    /// A medicine that was named.
    Medicine,
    /// A worry, or a question of the caller.
    Concern,
    /// What the nurse said they would do.
    Promise,
}

impl ItemKind {
    /// Every kind, in the order the page lists them.
    pub const ALL: [Self; 5] = [Self::Symptom, Self::Score, Self::Medicine, Self::Concern, Self::Promise];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Symptom => "symptom",
            Self::Score => "score",
            Self::Medicine => "medicine",
            Self::Concern => "concern",
            Self::Promise => "promise",
        }
    }

    /// The kind of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The heading of such items.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Symptom => "Symptoms",
            Self::Score => "Scores said",
            Self::Medicine => "Medicines",
            Self::Concern => "Worries and questions",
            Self::Promise => "Promises made",
        }
    }
}

/// How the words stand to what they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// It is there.
    Present,
    /// It is said not to be there.
    Absent,
    /// It was there before.
    Earlier,
    /// It was spoken of, and the rules do not tell how: whoever reads it decides.
    Unclear,
}

impl Stance {
    /// Every stance.
    pub const ALL: [Self; 4] = [Self::Present, Self::Absent, Self::Earlier, Self::Unclear];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Earlier => "earlier",
            Self::Unclear => "unclear",
        }
    }

    /// The stance of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stance| stance.word() == word)
    }
}

/// Where an item was said: a stretch of one utterance, letter by letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The utterance.
    pub utterance: UtteranceId,
    /// Who said it.
    pub voice: Voice,
    /// Where the words begin in its text, in bytes.
    pub from: usize,
    /// Where they end, in bytes.
    pub to: usize,
    /// The words.
    pub words: Private<String>,
}

/// Who found an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// The rules of this room.
    Rules,
    /// A model chose the words; the rules of this room checked them.
    Model,
}

impl FoundBy {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Model => "model",
        }
    }

    /// The finder of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Rules, Self::Model].into_iter().find(|by| by.word() == word)
    }
}

/// One item of a draft.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is about.
    pub kind: ItemKind,
    /// Which one: a symptom's code, a medicine's name, a kind of worry.
    pub code: String,
    /// How the words stand to it.
    pub stance: Stance,
    /// The least and greatest number said, for a score.
    pub score: Option<(u8, u8)>,
    /// Who found it.
    pub by: FoundBy,
    /// Where it was said; what it rests on first, and the question it answers last.
    pub sources: Vec<Source>,
}

impl Item {
    /// What a nurse reads before the quotation.
    #[must_use]
    pub fn label(&self) -> String {
        let name = match self.kind {
            ItemKind::Symptom | ItemKind::Score => {
                Symptom::from_code(&self.code).map_or("Not said of what", Symptom::words).to_owned()
            }
            ItemKind::Medicine => capital(&self.code),
            ItemKind::Concern if self.code == "asked" => "Asked".to_owned(),
            ItemKind::Concern => "Worry".to_owned(),
            ItemKind::Promise => "Promised".to_owned(),
        };
        let score = match self.score {
            Some((least, most)) if least == most => format!(": {least} of 10"),
            Some((least, most)) => format!(": {least} to {most} of 10"),
            None => String::new(),
        };
        let stance = match (self.kind, self.stance) {
            (ItemKind::Symptom, Stance::Absent) => ": not there",
            (ItemKind::Medicine, Stance::Absent) => ": not taken, as said",
            (ItemKind::Symptom | ItemKind::Score | ItemKind::Medicine, Stance::Earlier) => ", before",
            (_, Stance::Unclear) => ": listen how it was meant",
            (_, Stance::Present | Stance::Absent | Stance::Earlier) => "",
        };
        format!("{name}{score}{stance}")
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// SHA-256 of one utterance as it was heard: its id, who spoke and every letter, under a salt that the draft keeps, so that
/// the hash of a short answer gives nothing away.
#[must_use]
pub fn seal(salt: &[u8], heard: &Heard) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(heard.id.0.as_bytes());
    hash.update(heard.voice.word().as_bytes());
    hash.update([0]);
    hash.update(heard.text.reveal().as_bytes());
    hash.finalize().into()
}

/// One hash over the seals of all utterances, in order; it stands in the record.
#[must_use]
pub fn seal_of_all<'a>(seals: impl IntoIterator<Item = &'a [u8; 32]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for seal in seals {
        hash.update(seal);
    }
    hash.finalize().into()
}
