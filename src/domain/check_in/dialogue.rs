//! The dialogue of a check-in as a pure state machine: which question waits, and what keys or a reply mean at it. Whoever is
//! asked can have a question again, go back one, or have a person, at any moment.

use super::{Keys, Lead, Said, Sheet};
use serde::{Deserialize, Serialize};

/// Answers to one question that do not fit, after which it is left to a person.
pub const MOST_TRIES: u8 = 3;

/// Silences in a row after which the check-in ends.
pub const MOST_SILENCES: u8 = 3;

/// Where a check-in stands. It is stored after every key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogue {
    /// The question that waits, as a place in the sheet, from 0.
    pub place: usize,
    /// Answers to it so far that did not fit.
    pub tries: u8,
    /// Silences in a row.
    pub silences: u8,
    /// Replies to it in words of their own.
    #[serde(default)]
    pub words: u8,
}

/// What follows from keys, or from none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Ask the question that waits.
    Ask(Lead),
    /// Store this answer, see what the protocol makes of it, then `go_on`.
    Took {
        /// The question.
        question: String,
        /// The answer's code, as the nurse's form would send it.
        code: String,
    },
    /// Put them through to a person.
    Person,
    /// Nobody is there any more.
    Silent,
    /// Every question was asked.
    Over,
}

impl Dialogue {
    /// Takes what was pressed since the last question; `None` is silence.
    pub fn step(&mut self, sheet: &Sheet, keys: Option<&str>) -> Move {
        let Some(item) = sheet.at(self.place) else { return Move::Over };
        let Some(keys) = keys.filter(|keys| !keys.is_empty()) else {
            self.silences = self.silences.saturating_add(1);
            return if self.silences < MOST_SILENCES { Move::Ask(Lead::NotHeard) } else { Move::Silent };
        };
        self.hear(sheet, meaning(keys, item.keys))
    }

    /// Takes what was said at the question that waits, by keys or by text.
    pub fn hear(&mut self, sheet: &Sheet, said: Said) -> Move {
        let Some(item) = sheet.at(self.place) else { return Move::Over };
        self.silences = 0;
        match said {
            Said::Answer(code) => Move::Took { question: item.question.clone(), code },
            Said::Person => Move::Person,
            Said::Again => Move::Ask(Lead::Again),
            Said::Back => {
                self.place = self.place.saturating_sub(1);
                self.anew();
                Move::Ask(Lead::Again)
            }
            Said::Nothing => self.not_understood(sheet, Lead::NotUnderstood),
            Said::Words if self.words == 0 => {
                self.words = 1;
                self.not_understood(sheet, Lead::NotAnAnswer)
            }
            // Whoever writes in words of their own twice is not pressed a third time.
            Said::Words => self.leave(sheet),
        }
    }

    /// The next question after an answer was stored.
    pub fn go_on(&mut self, sheet: &Sheet, answer: &str) -> Move {
        self.next(sheet, Lead::Took(answer.to_owned()))
    }

    fn not_understood(&mut self, sheet: &Sheet, lead: Lead) -> Move {
        self.tries = self.tries.saturating_add(1);
        if self.tries < MOST_TRIES { Move::Ask(lead) } else { self.leave(sheet) }
    }

    fn leave(&mut self, sheet: &Sheet) -> Move {
        // A red flag nobody could answer is not passed over by a machine.
        if sheet.at(self.place).is_some_and(|item| item.is_red_flag) {
            return Move::Person;
        }
        self.next(sheet, Lead::Skipped)
    }

    const fn anew(&mut self) {
        self.tries = 0;
        self.words = 0;
    }

    fn next(&mut self, sheet: &Sheet, lead: Lead) -> Move {
        self.place = self.place.saturating_add(1);
        self.anew();
        if self.place < sheet.len() { Move::Ask(lead) } else { Move::Over }
    }
}

fn meaning(keys: &str, wanted: Keys) -> Said {
    match (keys, wanted) {
        // One key is taken at a yes-or-no, so there the first of two says it.
        ("99" | "*0", _) | ("9" | "0", Keys::YesNo) => Said::Person,
        ("*" | "*#", _) => Said::Again,
        ("**", _) => Said::Back,
        ("1", Keys::YesNo) => Said::Answer("yes".to_owned()),
        ("2", Keys::YesNo) => Said::Answer("no".to_owned()),
        (_, Keys::YesNo) => Said::Nothing,
        (keys, Keys::Number { from, to }) => match keys.trim_end_matches('#').parse::<u8>() {
            Ok(number) if (from..=to).contains(&number) => Said::Answer(number.to_string()),
            Ok(_) | Err(_) => Said::Nothing,
        },
    }
}
