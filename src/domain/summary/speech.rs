//! Spoken words with their places: tokens and sentences of one utterance, and the language it is in. A token remembers where
//! it stands in the text, so that whatever is found can be quoted letter by letter.

use crate::domain::people::Language;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// One word of an utterance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// In lower case, without accents: what lists are compared with.
    pub word: String,
    /// In lower case, with accents.
    pub spelled: String,
    /// Where it begins, in bytes.
    pub from: usize,
    /// Where it ends, in bytes.
    pub to: usize,
    /// The mark that follows it; a space when there is none.
    pub mark: char,
}

/// A run of tokens up to a full stop, a question mark or the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its words.
    pub tokens: Vec<Token>,
    /// Whether it asks.
    pub asks: bool,
}

impl Sentence {
    /// Where it stands in its text, in bytes, without the mark at its end.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        let from = self.tokens.first().map_or(0, |token| token.from);
        (from, self.tokens.last().map_or(from, |token| token.to))
    }

    /// Whether a word of a list is in it.
    #[must_use]
    pub fn has_any(&self, list: &str) -> bool {
        self.tokens.iter().any(|token| is_in(list, &token.word))
    }
}

/// Whether a word is in a list of words with spaces between.
#[must_use]
pub fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// The sentences of an utterance.
#[must_use]
pub fn sentences(text: &str) -> Vec<Sentence> {
    const NOT_AN_END: &str = "dr dra mr mrs ms sr sra st mg ml";
    let mut sentences = Vec::new();
    let mut tokens: Vec<Token> = Vec::new();
    for token in words(text) {
        let ends = matches!(token.mark, '?' | '!' | '\u{2026}') || token.mark == '.' && !is_in(NOT_AN_END, &token.word);
        tokens.push(token);
        if ends {
            sentences.extend(finished(text, std::mem::take(&mut tokens)));
        }
    }
    sentences.extend(finished(text, tokens));
    sentences
}

fn finished(text: &str, tokens: Vec<Token>) -> Option<Sentence> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    let inverted = text.get(..first.from).is_some_and(|before| before.trim_end().ends_with('\u{bf}'));
    let asks = last.mark == '?' || inverted || (last.mark != '!' && opens_a_question(&tokens));
    Some(Sentence { tokens, asks })
}

/// Whether words without a question mark ask all the same; an engine may write none.
fn opens_a_question(tokens: &[Token]) -> bool {
    const ASKING: &str = "how what where why which who cuanto cuanta cuantos cuantas cual donde quien";
    const VERBS: &str = "do does did are is was were have has had can could would will should shall am";
    const ASKED: &str = "you i we he she it they there your my the this that any anyone anybody somebody anything";
    let word = |place: usize| tokens.get(place).map_or("", |token| token.word.as_str());
    is_in(ASKING, word(0)) || is_in(VERBS, word(0)) && is_in(ASKED, word(1))
}

/// The words of a text with their places. Marks inside a word or a number belong to it: `don't`, `short-acting`, `38.5`.
#[must_use]
pub fn words(text: &str) -> Vec<Token> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let letter = |place: usize| letters.get(place).map(|(_, letter)| *letter);
    let mut tokens: Vec<Token> = Vec::new();
    let mut start: Option<usize> = None;
    for (place, (at, here)) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(letter);
        let inside = belongs(*here, before, letter(place + 1), start.is_some());
        match (start, inside) {
            (None, true) => start = Some(*at),
            (Some(from), false) => {
                tokens.extend(token(text, from, *at));
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
        if !inside
            && let Some(last) = tokens.last_mut()
            && is_stronger(*here, last.mark)
        {
            last.mark = *here;
        }
    }
    tokens.extend(start.and_then(|from| token(text, from, text.len())));
    tokens
}

fn belongs(here: char, before: Option<char>, after: Option<char>, in_word: bool) -> bool {
    if here.is_alphanumeric() || is_combining_mark(here) && in_word {
        return true;
    }
    let (Some(before), Some(after)) = (before, after) else { return false };
    in_word
        && match here {
            '\'' | '\u{2019}' | '-' => before.is_alphabetic() && after.is_alphabetic(),
            '.' | ',' => before.is_numeric() && after.is_numeric(),
            _ => false,
        }
}

/// Of several marks after a word the one that parts more counts.
const fn is_stronger(mark: char, than: char) -> bool {
    const fn weight(mark: char) -> u8 {
        match mark {
            '?' => 6,
            '!' => 5,
            '.' | '\u{2026}' => 4,
            ';' | ':' | '\u{2014}' | '\u{2013}' => 3,
            ',' => 2,
            '/' | '%' => 1,
            _ => 0,
        }
    }
    weight(mark) > weight(than)
}

fn token(text: &str, from: usize, to: usize) -> Option<Token> {
    let spelled = text.get(from..to)?.to_lowercase().replace('\u{2019}', "'");
    let spelled: String = spelled.nfc().collect();
    let word = spelled.nfd().filter(|letter| !is_combining_mark(*letter)).collect();
    Some(Token { word, spelled, from, to, mark: ' ' })
}

/// The language of words, by the small words in them; `usual` when they do not tell.
#[must_use]
pub fn language(tokens: &[Token], usual: Language) -> Language {
    const SPANISH: &str = "el la los las de que y en un una mi mis es con por para muy tengo tiene estoy esta pero ha lo se su al \
                           como duele dolor usted nada bien mas cuando voy hay ni sin si le";
    const ENGLISH: &str = "the of i it is and to my in but not have do was you with that for he she on at i'm it's don't are your \
                           what will this so pain yes i'll been";
    let count = |list: &str| tokens.iter().filter(|token| is_in(list, &token.word)).count();
    match count(SPANISH).cmp(&count(ENGLISH)) {
        std::cmp::Ordering::Greater => Language::Spanish,
        std::cmp::Ordering::Less => Language::English,
        std::cmp::Ordering::Equal => usual,
    }
}

/// Where a list of phrases, parted by bars, stands in tokens from `at` on: the number of tokens of the longest that fits. A
/// word that ends with a star stands for every word that begins so.
#[must_use]
pub fn phrase_at(phrases: &str, tokens: &[Token], at: usize) -> Option<usize> {
    let fits = |phrase: &str| {
        let parts: Vec<&str> = phrase.split_whitespace().collect();
        let run = tokens.get(at..at + parts.len())?;
        let same = parts.iter().zip(run).all(|(part, token)| match part.strip_suffix('*') {
            Some(stem) => token.word.starts_with(stem),
            None => token.word == *part,
        });
        // Marks inside a phrase part it, but for the last word's own.
        let whole = run.iter().rev().skip(1).all(|token| token.mark == ' ');
        (same && whole && !parts.is_empty()).then_some(parts.len())
    };
    phrases.split('|').filter_map(fits).max()
}
