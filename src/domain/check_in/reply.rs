//! What a reply by text says at a question: a list of words and a rule for numbers, no model. What is not plainly an answer
//! is somebody's words, and goes to a person.

use super::Keys;
use crate::domain::{
    script::Scene,
    text::reading::{Needs, Reading, Wish, is_about, plain},
};

/// What keys or a reply mean at a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An answer's code: `yes`, `no`, or a number of the range.
    Answer(String),
    /// A wish for a person, or words that must not wait for one.
    Person,
    /// The same question again.
    Again,
    /// The question before.
    Back,
    /// Something that could be an answer and does not fit.
    Nothing,
    /// Words of their own.
    Words,
}

/// What a reply means before identity is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Digits, for the script to judge.
    Entry(String),
    /// Not a good time.
    NotNow,
    /// A wish for a person, or words that must not wait for one.
    Person,
    /// Words of their own.
    Words,
}

const YES: &[&str] = &["yes", "y", "yes please", "yeah", "yep", "yup", "yes i do", "si", "s", "si por favor", "claro"];
const NO: &[&str] =
    &["no", "n", "nope", "nah", "not", "no thanks", "no thank you", "none", "no gracias", "ninguno", "ninguna"];
const AGAIN: &[&str] =
    &["again", "repeat", "what", "pardon", "otra vez", "repita", "repetir", "de nuevo", "que", "como"];
const BACK: &[&str] = &["back", "go back", "previous", "atras", "anterior", "volver"];
const LATER: &[&str] = &[
    "later",
    "not now",
    "no",
    "n",
    "busy",
    "bad time",
    "not a good time",
    "luego",
    "despues",
    "mas tarde",
    "ahora no",
    "ocupado",
    "ocupada",
    "no ahora",
];
/// Beginnings of words by which somebody wishes for a person.
const PERSON: &[&str] = &[
    "person",
    "human",
    "operator",
    "somebody",
    "someone",
    "call me",
    "ring me",
    "phone me",
    "talk to",
    "speak to",
    "speak with",
    "talk with",
    "alguien",
    "llamame",
    "llameme",
    "llamenme",
    "hablar con",
    "quiero hablar",
    "operador",
];
/// Words around a number that change nothing.
const AROUND: &[&str] = &[
    "a", "an", "it", "its", "is", "about", "around", "like", "un", "una", "es", "como", "esta", "estoy", "en", "the",
    "el",
];
/// Numbers in words, from 0.
const ENGLISH: [&str; 11] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const SPANISH: [&str; 11] = ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"];

/// Reads a reply to a question that is answered so; `reading` is how the same text is read outside a check-in.
#[must_use]
pub fn to_question(body: &str, wanted: Keys, reading: Reading) -> Said {
    let text = plain(body);
    let is = |list: &[&str]| list.contains(&text.as_str());
    match wanted {
        Keys::YesNo if is(YES) => return Said::Answer("yes".to_owned()),
        Keys::YesNo if is(NO) => return Said::Answer("no".to_owned()),
        Keys::YesNo => {}
        Keys::Number { from, to } => {
            if let Some(number) = number(body, &text).filter(|number| (from..=to).contains(number)) {
                return Said::Answer(number.to_string());
            }
        }
    }
    if is(AGAIN) {
        Said::Again
    } else if is(BACK) {
        Said::Back
    } else if wants_person(&text, reading) {
        Said::Person
    } else if text.is_empty() {
        // A picture alone is for a person; no words and no picture are nothing.
        if reading.needs == Needs::Nobody { Said::Nothing } else { Said::Words }
    } else if is(YES) || is(NO) || is_all_numbers(&text) {
        Said::Nothing
    } else {
        Said::Words
    }
}

/// Reads a reply while the script waits at a scene before identity is proven.
#[must_use]
pub fn to_opening(body: &str, scene: Scene, reading: Reading) -> Opening {
    let text = plain(body);
    let is = |list: &[&str]| list.contains(&text.as_str());
    if scene == Scene::WhoIsThere {
        if is(YES) {
            return Opening::Entry("1".to_owned());
        }
        if is(LATER) || text == "3" {
            return Opening::NotNow;
        }
    }
    if let Some(digits) = entry(body) {
        Opening::Entry(digits)
    } else if wants_person(&text, reading) {
        Opening::Person
    } else {
        Opening::Words
    }
}

/// Whether a text is a yes, a no or numbers: what somebody writes to a check-in that is over.
#[must_use]
pub fn looks_like_an_answer(body: &str) -> bool {
    let text = plain(body);
    [YES, NO].iter().any(|list| list.contains(&text.as_str())) || (!text.is_empty() && is_all_numbers(&text))
}

fn wants_person(text: &str, reading: Reading) -> bool {
    reading.needs == Needs::PersonNow
        || reading.wish == Wish::Help
        || PERSON.iter().any(|phrase| is_about(text, phrase))
}

/// The one whole number of a reply: `7`, `seven`, `siete`, `7/10`, `7 out of 10`, `it's a 7`. A sign or a fraction is none.
fn number(body: &str, text: &str) -> Option<u8> {
    let signed = body.char_indices().any(|(at, letter)| {
        let next = body.get(at + letter.len_utf8()..).and_then(|rest| rest.chars().next());
        matches!(letter, '-' | '\u{2212}' | '+' | '.' | ',') && next.is_some_and(|next| next.is_ascii_digit())
    });
    if signed {
        return None;
    }
    let text = [" out of 10", " out of ten", " of 10", " de 10", " de diez"]
        .iter()
        .find_map(|tail| text.strip_suffix(tail))
        .or_else(|| text.strip_suffix(" 10").filter(|_| body.contains('/')))
        .unwrap_or(text);
    let mut rest = text.split(' ').filter(|word| !AROUND.contains(word));
    let only = rest.next()?;
    rest.next().is_none().then(|| value(only)).flatten()
}

fn value(word: &str) -> Option<u8> {
    let named = |names: &[&str]| names.iter().position(|name| *name == word).and_then(|at| u8::try_from(at).ok());
    // As many digits as any number needs: a telephone number is no answer.
    let digits = word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    if digits { word.parse().ok() } else { named(&ENGLISH).or_else(|| named(&SPANISH)) }
}

fn is_all_numbers(text: &str) -> bool {
    text.split(' ').all(|word| value(word).is_some() || word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Digits as somebody types a date or a code: `04/12/1948`, `4-12-1948`, `4821`. A month and a day of one digit have two.
fn entry(body: &str) -> Option<String> {
    let body = body.trim().trim_end_matches(['.', '!']);
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, ' ' | '/' | '-' | '.');
    if body.is_empty() || !body.chars().all(is_part) {
        return None;
    }
    let groups: Vec<&str> =
        body.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    match groups.as_slice() {
        [] => None,
        [month, day, year] if year.len() == 4 => Some(format!("{month:0>2}{day:0>2}{year}")),
        groups => Some(groups.concat()),
    }
}
