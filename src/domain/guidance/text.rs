//! Letters, words and sentences: one canonical form in which passages, spans and statements are compared. Nothing in
//! it changes a number, a unit or the case of a letter.

use frostem::{Algorithm, Stemmer};
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// The canonical form: composed letters (Unicode NFC), plain quotation marks and hyphens, single spaces, no hidden
/// characters.
#[must_use]
pub fn normalise(text: &str) -> String {
    let plain: String = text.nfc().filter(|letter| !is_hidden(*letter)).map(plain_letter).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain_letter(letter: char) -> char {
    match letter {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        other => other,
    }
}

/// Characters that are not seen but change what is read: zero width, direction overrides, controls, tags.
#[must_use]
pub fn is_hidden(letter: char) -> bool {
    (letter.is_control() && !letter.is_whitespace())
        || matches!(letter,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// The sentences of a canonical text, as byte ranges without the spaces between them.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut from = 0;
    for (place, _) in text.match_indices(' ') {
        let (head, rest) = (text.get(from..place).unwrap_or_default(), text.get(place + 1..).unwrap_or_default());
        if ends_sentence(head) && begins_sentence(rest) {
            sentences.push(from..place);
            from = place + 1;
        }
    }
    if from < text.len() {
        sentences.push(from..text.len());
    }
    sentences
}

fn ends_sentence(head: &str) -> bool {
    const ABBREVIATIONS: [&str; 12] =
        ["e.g.", "i.e.", "dr.", "mr.", "mrs.", "ms.", "vs.", "approx.", "no.", "etc.", "st.", "max."];
    let head = head.trim_end_matches(['"', '\'', ')']);
    let last = head.rsplit(' ').next().unwrap_or_default().to_lowercase();
    head.ends_with(['.', '!', '?']) && !ABBREVIATIONS.contains(&last.trim_start_matches('('))
}

fn begins_sentence(rest: &str) -> bool {
    rest.chars().find(|letter| !matches!(letter, '"' | '\'' | '(')).is_some_and(|letter| !letter.is_lowercase())
}

/// The words of a canonical text in lower case, without the punctuation round them. Signs that belong to a number
/// stay (`<38`, `-2`, `90%`), and so do marks inside a word (`short-acting`, `2.5`, `and/or`).
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(' ').filter_map(|piece| {
        let end = piece.trim_end_matches(|letter: char| !letter.is_alphanumeric() && letter != '%');
        let mut start = end.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        if start.starts_with(|letter: char| letter.is_numeric()) {
            let kept = end.trim_start_matches(|letter: char| {
                !letter.is_alphanumeric()
                    && !matches!(letter, '<' | '>' | '=' | '\u{2264}' | '\u{2265}' | '-' | '+' | '.' | '~')
            });
            start = kept;
        }
        (!start.is_empty()).then(|| start.to_lowercase())
    })
}

/// Where `needle` stands in `hay`, letter by letter, not beginning or ending inside a word or a number.
#[must_use]
pub fn find_whole(hay: &str, needle: &str) -> Option<Range<usize>> {
    if needle.is_empty() {
        return None;
    }
    hay.match_indices(needle)
        .map(|(place, found)| place..place + found.len())
        .find(|range| is_open_left(hay, range.start) && is_open_right(hay, range.end))
}

fn is_open_left(hay: &str, at: usize) -> bool {
    let mut before = hay.get(..at).unwrap_or_default().chars().rev();
    let first = hay.get(at..).and_then(|rest| rest.chars().next());
    match (before.next(), first) {
        (Some(left), Some(right)) if left.is_alphanumeric() && right.is_alphanumeric() => false,
        // A sign, a point or a bar before a digit belongs to the number: 1.5, -2, <38, 1/2.
        (Some(left), Some(right)) if right.is_numeric() => left.is_whitespace() || matches!(left, '(' | '"' | '\''),
        (Some('-' | '\'' | '/'), Some(right)) if right.is_alphanumeric() => {
            !before.next().is_some_and(char::is_alphanumeric)
        }
        (Some(_) | None, Some(_) | None) => true,
    }
}

fn is_open_right(hay: &str, at: usize) -> bool {
    let last = hay.get(..at).and_then(|head| head.chars().next_back());
    let mut after = hay.get(at..).unwrap_or_default().chars();
    match (last, after.next()) {
        (Some(left), Some(right)) if left.is_alphanumeric() && right.is_alphanumeric() => false,
        (Some(left), Some('%' | '\u{b0}')) if left.is_numeric() => false,
        (Some(left), Some('.' | ',' | '/' | '-' | '\'' | ':')) if left.is_alphanumeric() => {
            !after.next().is_some_and(char::is_alphanumeric)
        }
        (Some(_) | None, Some(_) | None) => true,
    }
}

/// The stems (Snowball, English) of the words of a text that carry meaning, each once, in order.
#[must_use]
pub fn content_stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::new(Algorithm::English);
    let mut stems: Vec<String> = Vec::new();
    for word in normalise(text).to_lowercase().split(|letter: char| !letter.is_alphanumeric() && letter != '\'') {
        let word = word.trim_matches('\'');
        if word.len() < 2 || EMPTY_WORDS.contains(&word) {
            continue;
        }
        let stem = stemmer.stem(word).to_string();
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}

/// Whether two stems speak of the same thing: equal, or one the beginning of the other (breath, breathless).
#[must_use]
pub fn are_kin(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    short == long || (short.len() >= 5 && long.starts_with(short))
}

/// Words that every question has, whatever it is about.
const EMPTY_WORDS: &[&str] = &[
    "a",
    "about",
    "advice",
    "advise",
    "after",
    "again",
    "all",
    "also",
    "am",
    "an",
    "and",
    "any",
    "anything",
    "are",
    "as",
    "ask",
    "at",
    "be",
    "been",
    "before",
    "being",
    "best",
    "but",
    "by",
    "call",
    "can",
    "caregiver",
    "could",
    "daughter",
    "did",
    "do",
    "does",
    "doing",
    "done",
    "down",
    "during",
    "each",
    "family",
    "first",
    "for",
    "from",
    "get",
    "gets",
    "give",
    "go",
    "good",
    "guidance",
    "had",
    "has",
    "have",
    "having",
    "he",
    "help",
    "helps",
    "her",
    "here",
    "him",
    "his",
    "home",
    "how",
    "husband",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "just",
    "know",
    "let",
    "like",
    "make",
    "many",
    "may",
    "me",
    "more",
    "most",
    "mother",
    "much",
    "my",
    "need",
    "needs",
    "new",
    "no",
    "not",
    "now",
    "nurse",
    "of",
    "off",
    "ok",
    "on",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "over",
    "patient",
    "patients",
    "people",
    "person",
    "please",
    "protocol",
    "say",
    "says",
    "she",
    "should",
    "so",
    "some",
    "something",
    "son",
    "still",
    "suggest",
    "take",
    "tell",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "thing",
    "things",
    "think",
    "this",
    "those",
    "to",
    "today",
    "too",
    "try",
    "up",
    "us",
    "use",
    "used",
    "very",
    "want",
    "was",
    "way",
    "we",
    "well",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "why",
    "wife",
    "will",
    "with",
    "would",
    "you",
    "your",
];
