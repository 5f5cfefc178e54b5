//! A check-in by keypad or by reply text: which questions of a protocol a machine can ask, how keys and replies answer them,
//! and how urgent what was answered is. Everything clinical that is said comes from the protocol package; the level comes
//! from the same evaluation as a nurse's.

mod dialogue;
pub mod opening;
mod reply;
mod texts;
mod words;

pub use dialogue::{Dialogue, MOST_SILENCES, MOST_TRIES, Move};
pub use reply::{Opening, Said, looks_like_an_answer, to_opening, to_question};
pub use words::{Lead, Spoken};

use super::{
    contact_hours::Channel,
    disposition::Disposition,
    people::Language,
    protocol::{Evaluation, Package, model::QuestionKind},
};

/// Texts of a package that the automatic voice cannot do without.
const NEEDED: [&str; 14] = [
    "script.check_in.begin",
    "script.check_in.yes_no",
    "script.check_in.number",
    "script.check_in.scale",
    "script.check_in.took",
    "script.check_in.not_heard",
    "script.check_in.not_yes_no",
    "script.check_in.not_number",
    "script.check_in.skipped",
    "script.check_in.person",
    "script.check_in.red_flag",
    "script.check_in.alone",
    "script.check_in.end",
    "script.check_in.silent",
];

/// Texts of a package that a check-in by text cannot do without.
const NEEDED_BY_TEXT: [&str; 15] = [
    "script.text.begin",
    "script.text.yes_no",
    "script.text.number",
    "script.text.scale",
    "script.text.took",
    "script.text.still_there",
    "script.text.not_yes_no",
    "script.text.not_number",
    "script.text.not_an_answer",
    "script.text.skipped",
    "script.text.person",
    "script.text.red_flag",
    "script.text.end",
    "script.text.silent",
    "script.text.closed",
];

/// Why a protocol cannot be asked by a machine, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotForKeys(String);

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// 1 for yes, 2 for no.
    YesNo,
    /// A number of at most two digits, both ends included, then the pound key.
    Number {
        /// The least.
        from: u8,
        /// The greatest.
        to: u8,
    },
}

/// One question as keys answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The question of the protocol.
    pub question: String,
    /// How it is answered.
    pub keys: Keys,
    /// Whether it belongs to the red-flag screen.
    pub is_red_flag: bool,
}

/// What is asked, in order: the red flags first, then the rest, each in the protocol's own order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    items: Vec<Item>,
}

impl Sheet {
    /// The questions of a package, if all of them can be asked by keys and every text for it is there in every language.
    ///
    /// # Errors
    /// Says which question or text is in the way.
    pub fn of(package: &Package) -> Result<Self, NotForKeys> {
        Self::by(package, Channel::Voice)
    }

    /// The same for a way of asking: by voice and keys, or by text.
    ///
    /// # Errors
    /// As `of`.
    pub fn by(package: &Package, channel: Channel) -> Result<Self, NotForKeys> {
        let (needed, machine): (&[&str], _) = match channel {
            Channel::Voice => (&NEEDED, "an automatic voice"),
            Channel::Text => (&NEEDED_BY_TEXT, "automated texts"),
        };
        let title = package.text(Language::English, &package.protocol.header.title);
        for language in [Language::English, Language::Spanish] {
            let known = package.texts.get(language.tag());
            if let Some(lacks) = needed.iter().find(|key| known.is_none_or(|texts| !texts.contains_key(**key))) {
                return Err(NotForKeys(format!(
                    "“{title}” has no words for {machine} (`{lacks}` in {}); choose a protocol for check-ins, or a nurse",
                    language.tag()
                )));
            }
        }
        let mut items = Vec::new();
        for question in &package.protocol.questions {
            match keys(&question.kind).filter(|_| question.enable_when.is_none()) {
                Some(keys) => {
                    items.push(Item { question: question.id.clone(), keys, is_red_flag: question.red_flag });
                }
                None if question.optional => {}
                None => {
                    return Err(NotForKeys(format!(
                        "“{title}” cannot be asked by a machine: `{}` needs more than yes, no or a number; choose a nurse",
                        question.id
                    )));
                }
            }
        }
        Ok(Self { items })
    }

    /// The question at a place, from 0.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Item> {
        self.items.get(place)
    }

    /// How many questions there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is nothing to ask.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

fn keys(kind: &QuestionKind) -> Option<Keys> {
    match kind {
        QuestionKind::YesNo => Some(Keys::YesNo),
        QuestionKind::Rating { from, to } => {
            let whole = |number: &super::protocol::Decimal| u8::try_from(number.truncated()).ok();
            let (from, to) = (whole(from)?, whole(to)?);
            (to < 90).then_some(Keys::Number { from, to })
        }
        QuestionKind::Whole(_)
        | QuestionKind::Number(_)
        | QuestionKind::Duration(_)
        | QuestionKind::Choice(_)
        | QuestionKind::Choices(_)
        | QuestionKind::Date
        | QuestionKind::Words => None,
    }
}

/// How a check-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every question was asked.
    Finished,
    /// A red flag came up and a nurse was rung.
    RedFlag,
    /// They asked for a person, or could not answer a red flag to a machine.
    Person,
    /// Nobody answered any more.
    Silent,
    /// The line ended in the middle, or somebody called it off.
    CutOff,
    /// They wanted no more texts.
    Stopped,
    /// A text could not go out: the hours were over, or it was not delivered.
    Closed,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 7] =
        [Self::Finished, Self::RedFlag, Self::Person, Self::Silent, Self::CutOff, Self::Stopped, Self::Closed];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::RedFlag => "red_flag",
            Self::Person => "person",
            Self::Silent => "silent",
            Self::CutOff => "cut_off",
            Self::Stopped => "stopped",
            Self::Closed => "closed",
        }
    }

    /// The ending of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.word() == word)
    }

    /// What a nurse reads.
    #[must_use]
    pub const fn says(self, channel: Channel) -> &'static str {
        match (self, channel) {
            (Self::Finished, _) => "Every question was asked",
            (Self::RedFlag, _) => "A red flag ended the questions",
            (Self::Person, Channel::Voice) => "They were put through to a person",
            (Self::Person, Channel::Text) => "They asked for a person, or could not be asked by text",
            (Self::Silent, Channel::Voice) => "Nobody pressed a key any more",
            (Self::Silent, Channel::Text) => "Nobody answered any more",
            (Self::CutOff, Channel::Voice) => "The line ended in the middle",
            (Self::CutOff, Channel::Text) => "It was called off in the middle",
            (Self::Stopped, _) => "They wanted no more texts",
            (Self::Closed, _) => "It could not go on: the hours were over, or a text did not arrive",
        }
    }
}

/// How soon somebody must look at the answers so far: the protocol's level, and at least today while an answer it needs is
/// missing, because what nobody answered is not well.
#[must_use]
pub fn level(evaluation: &Evaluation) -> Disposition {
    let found = evaluation.disposition.unwrap_or(Disposition::Routine);
    if evaluation.missing_required.is_empty() { found } else { found.max(Disposition::SameDay) }
}
