//! Numbers from 0 to 10 that somebody gives a symptom: `six out of ten`, `the pain is about a seven`, or a bare number after
//! a question that names the scale. A number with a unit is none.

use super::{
    Stance,
    speech::{Sentence, Token, is_in, phrase_at},
};

const TEN: &str = "out of ten|out of 10|of ten|of 10|over ten|over 10|de diez|de 10|sobre diez|sobre 10";
const SCALE: &str = "zero to ten|0 to 10|scale of|scale from|from zero|from 0|out of ten|out of 10|zero through ten|cero a diez|\
                     cero al diez|0 a 10|0 al 10|escala";
const UNITS: &str = "mg milligram milligrams ml milliliters mcg micrograms times time days day weeks week hours hour minutes \
                     minute pills pill tablets tablet drops pounds pound liters litres years year months month percent degrees \
                     o'clock puffs nights night cups kilos veces vez dias dia semanas semana horas hora minutos pastillas \
                     pastilla gotas libras litros anos ano meses mes grados noches noche tazas people of";
const BEFORE_NUMBER: &str = "is at a an about around maybe like was it's its say probably es un una esta como en casi era \
                             digamos quizas";
const AFTER_NUMBER: &str = "now right today or at when most usually and hoy ahora o y cuando";
const EARLIER: &str = "usually usual normally yesterday last before was were ago earlier normalmente ayer antes anoche era suele \
                       estaba";

/// A score as it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The least number.
    pub least: u8,
    /// The greatest.
    pub most: u8,
    /// Now, or before.
    pub stance: Stance,
}

/// Whether words ask for a number of the scale.
#[must_use]
pub fn asks_scale(tokens: &[Token]) -> bool {
    (0..tokens.len()).any(|at| phrase_at(SCALE, tokens, at).is_some())
}

/// A number from 0 to 10, in digits or words of either language.
#[must_use]
pub fn number(word: &str) -> Option<u8> {
    const ENGLISH: &str = "zero one two three four five six seven eight nine ten";
    const SPANISH: &str = "cero uno dos tres cuatro cinco seis siete ocho nueve diez";
    let place = |list: &str| list.split_whitespace().position(|name| name == word).and_then(|at| u8::try_from(at).ok());
    let digits = || word.parse::<u8>().ok().filter(|value| *value <= 10);
    place(ENGLISH).or_else(|| place(SPANISH)).or_else(digits)
}

/// The scores in a sentence. `names_symptom`: whether it names exactly one symptom; `after_scale`: whether it answers a
/// question that names the scale.
#[must_use]
pub fn scores_in(sentence: &Sentence, names_symptom: Named, after_scale: Asked) -> Vec<Said> {
    if sentence.asks {
        return Vec::new();
    }
    let tokens = &sentence.tokens;
    let candidates = candidates(tokens);
    let some_of_ten = candidates.iter().any(|candidate| candidate.of_ten);
    let alone = candidates.len() == 1;
    candidates
        .into_iter()
        .filter(|candidate| {
            let linked = candidate.linked && (names_symptom == Named::One || some_of_ten);
            candidate.of_ten || linked || (after_scale == Asked::ForScale && alone)
        })
        .map(|candidate| Said {
            least: candidate.least.min(candidate.most),
            most: candidate.least.max(candidate.most),
            stance: if is_earlier(tokens, candidate.at) { Stance::Earlier } else { Stance::Present },
        })
        .collect()
}

/// Whether a sentence names exactly one symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Exactly one.
    One,
    /// None, or several.
    NotOne,
}

/// Whether a sentence answers a question for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Such a question came before it.
    ForScale,
    /// None did.
    Otherwise,
}

struct Candidate {
    at: usize,
    least: u8,
    most: u8,
    of_ten: bool,
    linked: bool,
}

fn candidates(tokens: &[Token]) -> Vec<Candidate> {
    let word = |place: usize| tokens.get(place).map_or("", |token| token.word.as_str());
    let value = |place: usize| tokens.get(place).and_then(|token| number(&token.word));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some(least) = value(at) else {
            at += 1;
            continue;
        };
        let second = is_in("or to a o", word(at + 1)).then(|| value(at + 2)).flatten();
        let (most, end) = second.map_or((least, at + 1), |most| (most, at + 3));
        let marked = |place: usize, mark: char| tokens.get(place).is_some_and(|token| token.mark == mark);
        let bar = marked(end - 1, '/') && value(end) == Some(10);
        let of_ten = bar || marked(end - 1, ' ') && phrase_at(TEN, tokens, end).is_some();
        let has_unit = !of_ten && (is_in(UNITS, word(end)) && marked(end - 1, ' ') || marked(end - 1, '%'));
        let before = |back: usize| at.checked_sub(back).map_or("", word);
        let denied = ["not", "no", "isn't"].iter().any(|denial| before(1) == *denial || before(2) == *denial);
        let is_scale = (least, most) == (0, 10);
        let is_end = !marked(end - 1, ' ') || end >= tokens.len() || is_in(AFTER_NUMBER, word(end));
        let linked = is_in(BEFORE_NUMBER, before(1)) && is_end;
        if !has_unit && !denied && !is_scale {
            found.push(Candidate { at, least, most, of_ten, linked });
        }
        at = if bar {
            end + 1
        } else if of_ten {
            end + phrase_at(TEN, tokens, end).unwrap_or(1)
        } else {
            end
        };
    }
    found
}

/// Whether the stretch between commas round a number speaks of another time.
fn is_earlier(tokens: &[Token], at: usize) -> bool {
    let parts = |token: &Token| matches!(token.mark, ',' | ';' | ':');
    let start = tokens.get(..at).unwrap_or_default().iter().rposition(parts).map_or(0, |place| place + 1);
    let rest = tokens.get(at..).unwrap_or_default();
    let end = rest.iter().position(parts).map_or(tokens.len(), |place| at + place + 1);
    tokens.get(start..end).unwrap_or_default().iter().any(|token| is_in(EARLIER, &token.word))
}
