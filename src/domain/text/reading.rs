//! What people write back. A wish about texts is honoured at once, however it is put; everything that could be about how
//! somebody feels goes to a person. In doubt a text is work, never silence.

use super::lists::{HELP, NOT, REVOKE, SPANISH, START, STOP, THANKS, URGENT, WRONG};

/// What a text that came in wants from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it says about texts themselves.
    pub wish: Wish,
    /// Who must look at it.
    pub needs: Needs,
}

/// What it says about texts themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more texts: a keyword, or the same in a person's own words.
    Stop,
    /// The number is not, or no longer, the patient's: no more texts, and a person must find the right one.
    WrongNumber,
    /// Texts again.
    Start,
    /// How this works.
    Help,
    /// Nothing.
    Nothing,
}

/// Who must look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A person, at once: it may be about an emergency or how somebody feels.
    PersonNow,
    /// A person, today.
    Person,
    /// Nobody in particular: a keyword, a thank-you.
    Nobody,
}

impl Reading {
    /// The code stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match (self.wish, self.needs) {
            (Wish::Stop, Needs::PersonNow) => "stop_and_urgent",
            (Wish::Stop, Needs::Person | Needs::Nobody) => "stop",
            (Wish::WrongNumber, _) => "wrong_number",
            (Wish::Start, _) => "start",
            (Wish::Help, _) => "help",
            (Wish::Nothing, Needs::PersonNow) => "urgent",
            (Wish::Nothing, Needs::Person) => "to_read",
            (Wish::Nothing, Needs::Nobody) => "thanks",
        }
    }
}

/// Reads a text that came in; `pictures` is how many came along.
#[must_use]
pub fn read(body: &str, pictures: u32) -> Reading {
    let text = plain(body);
    let is = |list: &[&str]| list.contains(&text.as_str());
    let wish = if is(STOP) {
        Wish::Stop
    } else if is(START) {
        Wish::Start
    } else if is(HELP) {
        Wish::Help
    } else if WRONG.iter().any(|phrase| has(&text, phrase)) {
        Wish::WrongNumber
    } else if REVOKE.iter().any(|phrase| says(&text, phrase)) {
        Wish::Stop
    } else {
        Wish::Nothing
    };
    let whole = matches!(wish, Wish::Stop | Wish::Start) && (is(STOP) || is(START));
    let needs = if whole {
        Needs::Nobody
    } else if wish == Wish::Help || body.contains('\u{1f198}') || URGENT.iter().any(|stem| has(&text, stem)) {
        Needs::PersonNow
    } else if wish == Wish::Stop || (pictures == 0 && (is(THANKS) || text.is_empty())) {
        Needs::Nobody
    } else {
        Needs::Person
    };
    Reading { wish, needs }
}

/// Whether a text is in Spanish, for answering somebody of whom nothing else is known.
#[must_use]
pub fn seems_spanish(body: &str) -> bool {
    plain(body).split(' ').any(|word| SPANISH.contains(&word))
}

/// Lower case, no accents, apostrophes gone, everything else that is no letter or digit a single space.
#[must_use]
pub fn plain(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    for letter in body.chars().flat_map(char::to_lowercase) {
        match letter {
            '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{301}' | '\u{303}' | '\u{308}' => {}
            'á' | 'à' | 'ä' | 'â' => text.push('a'),
            'é' | 'è' | 'ë' | 'ê' => text.push('e'),
            'í' | 'ì' | 'ï' | 'î' => text.push('i'),
            'ó' | 'ò' | 'ö' | 'ô' => text.push('o'),
            'ú' | 'ù' | 'ü' | 'û' => text.push('u'),
            'ñ' => text.push('n'),
            '\u{1f44d}' | '\u{1f64f}' => text.push(letter),
            other if other.is_alphanumeric() => text.push(other),
            _ if text.ends_with(' ') => {}
            _ => text.push(' '),
        }
    }
    text.trim().to_owned()
}

/// Whether words of a text made `plain` begin with a phrase.
#[must_use]
pub fn is_about(text: &str, phrase: &str) -> bool {
    has(text, phrase)
}

/// Whether words of the text begin with the phrase.
fn has(text: &str, phrase: &str) -> bool {
    starts(text, phrase).next().is_some()
}

/// Whether the text says the phrase and does not turn it round: "don't stop texting me".
fn says(text: &str, phrase: &str) -> bool {
    let turns = !phrase.starts_with("no ") && !phrase.starts_with("dont ") && !phrase.starts_with("do not ");
    starts(text, phrase).any(|at| {
        let before = text.get(..at).unwrap_or_default().trim_end();
        !(turns && NOT.iter().any(|not| before == *not || before.ends_with(&format!(" {not}"))))
    })
}

/// Where in the text the phrase begins at the beginning of a word.
fn starts<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(phrase).map(|(at, _)| at).filter(|at| {
        let before = text.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(' ')
    })
}
