//! What the automatic voice says: texts of the protocol package, with a few blanks filled in. No word of it is made up here.

use super::{Item, Keys, Sheet};
use crate::domain::{people::Language, protocol::Package, script::Speech};

/// Seconds to wait for a key.
const WAIT_SECONDS: u8 = 10;

/// What is said before a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead {
    /// Who speaks, and how to have a person; before the first question.
    Begin,
    /// The question alone.
    Again,
    /// Nothing was pressed.
    NotHeard,
    /// What was pressed or written does not fit.
    NotUnderstood,
    /// What was written is in words of their own, which a person reads.
    NotAnAnswer,
    /// The question before is left to a person.
    Skipped,
    /// What the answer to the question before was heard as.
    Took(String),
}

/// The words of one package in one language, for one organization.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'p> {
    /// The package.
    pub package: &'p Package,
    /// The voice.
    pub language: Language,
    /// The organization's name.
    pub organization: &'p str,
    /// What to dial in an emergency.
    pub emergency_number: &'p str,
}

impl Spoken<'_> {
    /// The question at a place; an end when there is none.
    #[must_use]
    pub fn ask(&self, sheet: &Sheet, place: usize, lead: &Lead) -> Speech {
        let Some(item) = sheet.at(place) else { return self.farewell("script.check_in.end") };
        let mut parts = Vec::new();
        match lead {
            Lead::Begin => parts.push(self.text("script.check_in.begin")),
            Lead::Again => {}
            Lead::NotHeard => parts.push(self.text("script.check_in.not_heard")),
            Lead::NotUnderstood | Lead::NotAnAnswer => parts.push(self.how_to(item)),
            Lead::Skipped => parts.push(self.text("script.check_in.skipped")),
            Lead::Took(answer) => parts.extend(self.took(sheet, place, answer)),
        }
        if begins_numbers(sheet, place) && *lead != Lead::NotUnderstood {
            parts.push(self.text("script.check_in.scale"));
        }
        parts.push(self.question(item));
        // How keys work is said with the first questions of a kind; nobody is told eighteen times.
        if place < 2 || begins_numbers(sheet, place) || !matches!(lead, Lead::Took(_)) {
            parts.push(self.text(match item.keys {
                Keys::YesNo => "script.check_in.yes_no",
                Keys::Number { .. } => "script.check_in.number",
            }));
        }
        Speech::Ask {
            language: self.language,
            text: parts.join(" "),
            digits: match item.keys {
                Keys::YesNo => 1,
                Keys::Number { .. } => 2,
            },
            wait_seconds: WAIT_SECONDS,
        }
    }

    /// Parting words by their key.
    #[must_use]
    pub fn farewell(&self, key: &str) -> Speech {
        Speech::Farewell { language: self.language, text: self.text(key) }
    }

    /// What is said when a red flag came up and nobody answers: the words of that flag, or those of any.
    #[must_use]
    pub fn alone(&self, red_flag: Option<&str>) -> Speech {
        let own = red_flag.map(|rule| format!("script.check_in.alone.{rule}"));
        let known = |key: &String| self.package.text(self.language, key) != key;
        self.farewell(own.filter(known).as_deref().unwrap_or("script.check_in.alone"))
    }

    /// A text of the package with its blanks filled in.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.package
            .text(self.language, key)
            .replace("{organization}", self.organization)
            .replace("{emergency_number}", &spaced(self.emergency_number))
    }

    pub(super) fn question(&self, item: &Item) -> String {
        let own = format!("script.ask.{}", item.question);
        let spoken = self.package.text(self.language, &own);
        if spoken != own {
            return spoken.to_owned();
        }
        let asked = self.package.protocol.question(&item.question).map_or(item.question.as_str(), |asked| &asked.ask);
        self.package.text(self.language, asked).to_owned()
    }

    fn how_to(&self, item: &Item) -> String {
        match item.keys {
            Keys::YesNo => self.text("script.check_in.not_yes_no"),
            Keys::Number { from, to } => self
                .text("script.check_in.not_number")
                .replace("{from}", &from.to_string())
                .replace("{to}", &to.to_string()),
        }
    }

    /// A number is said back with the next question, so that a slip is heard; a plain "no" is not.
    fn took(&self, sheet: &Sheet, place: usize, answer: &str) -> Option<String> {
        let before = place.checked_sub(1).and_then(|before| sheet.at(before))?;
        match before.keys {
            Keys::YesNo => None,
            Keys::Number { .. } => Some(self.text("script.check_in.took").replace("{answer}", answer)),
        }
    }
}

/// Whether a question is the first that a number answers.
pub(super) fn begins_numbers(sheet: &Sheet, place: usize) -> bool {
    let is_number = |place: usize| sheet.at(place).is_some_and(|item| matches!(item.keys, Keys::Number { .. }));
    is_number(place) && !(0..place).any(is_number)
}

/// Digits one by one, as a voice must say them.
fn spaced(digits: &str) -> String {
    digits.chars().map(String::from).collect::<Vec<_>>().join(" ")
}
