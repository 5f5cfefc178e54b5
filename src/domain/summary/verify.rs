//! Holds every item against the words of the call, whoever found it: its words stand in its utterance letter by letter, were
//! said by whom it says, and are no denial of what it claims. What does not hold is withheld, and why is kept. This file
//! does not ask how an item was found, so that a finder that errs or lies gets nothing through.

use super::{
    FoundBy, Heard, ITEMS_MOST, Item, ItemKind, Source, Stance,
    answers::{answer, asked_for},
    extract::Words,
    lexicon::{Symptom, symptoms_in},
    medicines,
    promises::promises,
    scores::number,
    speech::{Sentence, language, sentences, words},
    stance,
};
use crate::domain::{people::Language, transcript::Voice};
use serde::{Deserialize, Serialize};

/// Longest words of one source, in bytes.
const WORDS_MOST: usize = 4_000;

/// Why an item is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It names no words at all.
    Unquoted,
    /// Its utterance is not one of this call.
    NoSuchUtterance,
    /// Its words do not stand there, or begin or end inside a word.
    NotVerbatim,
    /// Somebody else said them.
    OtherSpeaker,
    /// They ask, and do not say.
    Question,
    /// They deny it, or do not tell.
    OtherStance,
    /// They name nothing of the kind.
    NotNamed,
    /// The number is not in them.
    OtherNumber,
    /// A code that does not exist, or more items than anybody reads.
    OutOfBounds,
}

/// An item that is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Its kind.
    pub kind: ItemKind,
    /// Its code.
    pub code: String,
    /// Why.
    pub fault: Fault,
}

/// What is left of what was found.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// What may be shown.
    pub items: Vec<Item>,
    /// What may not.
    pub withheld: Vec<Withheld>,
}

/// Verifies items one by one.
#[must_use]
pub fn verify(found: Vec<Item>, said: &Words<'_>) -> Verified {
    let mut verified = Verified::default();
    for item in found {
        let outcome = if verified.items.len() < ITEMS_MOST { check(&item, said) } else { Err(Fault::OutOfBounds) };
        match outcome {
            Ok(()) if verified.items.contains(&item) => {}
            Ok(()) => verified.items.push(item),
            Err(fault) => {
                let code = if is_code(&item, said) { item.code } else { "unknown".to_owned() };
                verified.withheld.push(Withheld { kind: item.kind, code, fault });
            }
        }
    }
    verified.withheld.truncate(ITEMS_MOST);
    verified
}

/// Whether one item holds.
///
/// # Errors
/// Why it does not.
pub fn check(item: &Item, said: &Words<'_>) -> Result<(), Fault> {
    if item.sources.is_empty() {
        return Err(Fault::Unquoted);
    }
    if !is_code(item, said) || item.score.is_some() != (item.kind == ItemKind::Score) {
        return Err(Fault::OutOfBounds);
    }
    for source in &item.sources {
        stands(source, said.heard)?;
    }
    let first = item.sources.first().ok_or(Fault::Unquoted)?;
    let by_nurse = first.voice == Voice::Nurse;
    let wrong_side = match item.kind {
        ItemKind::Symptom | ItemKind::Score | ItemKind::Concern => by_nurse,
        ItemKind::Promise => !by_nurse,
        ItemKind::Medicine => false,
    };
    if wrong_side {
        return Err(Fault::OtherSpeaker);
    }
    // A second voice among the sources is the question that the first one answers.
    let (own, question): (Vec<&Source>, Vec<&Source>) =
        item.sources.iter().partition(|source| source.voice == first.voice);
    if question.iter().any(|source| source.voice != Voice::Nurse) {
        return Err(Fault::OtherSpeaker);
    }
    own.iter().try_for_each(|source| means(item, source, question.first().copied(), said))
}

/// Whether the words of a source stand where it says, whole, and were said by whom it says.
fn stands(source: &Source, heard: &[Heard]) -> Result<(), Fault> {
    let heard = heard.iter().find(|heard| heard.id == source.utterance).ok_or(Fault::NoSuchUtterance)?;
    if heard.voice != source.voice {
        return Err(Fault::OtherSpeaker);
    }
    let text = heard.text.reveal();
    let is_there = text.get(source.from..source.to) == Some(source.words.reveal().as_str());
    let inside = |at: usize| words(text).iter().any(|token| token.from < at && at < token.to);
    let is_whole = !inside(source.from) && !inside(source.to) && !words(source.words.reveal()).is_empty();
    if is_there && is_whole && source.words.reveal().len() <= WORDS_MOST { Ok(()) } else { Err(Fault::NotVerbatim) }
}

/// Whether the whole sentences round the words of a source say what the item claims.
fn means(item: &Item, source: &Source, question: Option<&Source>, said: &Words<'_>) -> Result<(), Fault> {
    let heard = said.heard.iter().find(|heard| heard.id == source.utterance).ok_or(Fault::NoSuchUtterance)?;
    let touched: Vec<Sentence> = sentences(heard.text.reveal())
        .into_iter()
        .filter(|sentence| {
            let (from, to) = sentence.place();
            from < source.to && source.from < to
        })
        .collect();
    if item.kind != ItemKind::Concern && touched.iter().any(|sentence| sentence.asks) {
        return Err(Fault::Question);
    }
    match item.kind {
        ItemKind::Symptom => {
            let spoken = language(&words(heard.text.reveal()), said.language);
            let stances = touched.iter().flat_map(|sentence| stances_of(sentence, spoken, item, source.voice));
            match (stances.collect::<Vec<Stance>>().as_slice(), item.by) {
                ([], _) if question.is_some() => answered(item, &touched, question, said),
                ([], FoundBy::Model) => plainly(item, &touched),
                ([], FoundBy::Rules) => Err(Fault::NotNamed),
                (stances, _) if stances.contains(&item.stance) => Ok(()),
                (_, _) => Err(Fault::OtherStance),
            }
        }
        ItemKind::Score => {
            let (least, most) = item.score.ok_or(Fault::OtherNumber)?;
            let said: Vec<u8> = words(source.words.reveal()).iter().filter_map(|token| number(&token.word)).collect();
            if least <= most && said.contains(&least) && said.contains(&most) {
                Ok(())
            } else {
                Err(Fault::OtherNumber)
            }
        }
        ItemKind::Medicine => names_medicine(item, &touched, said),
        ItemKind::Concern => Ok(()),
        ItemKind::Promise if touched.iter().any(promises) => Ok(()),
        ItemKind::Promise => Err(Fault::NotNamed),
    }
}

/// How a sentence stands to the symptom of an item, each time it names it.
fn stances_of(sentence: &Sentence, spoken: Language, item: &Item, voice: Voice) -> Vec<Stance> {
    let named = symptoms_in(&sentence.tokens, spoken).into_iter();
    let ours = named.filter(|named| named.symptom.code() == item.code);
    ours.map(|named| stance::of_symptom(sentence, named, voice)).collect()
}

fn names_medicine(item: &Item, touched: &[Sentence], said: &Words<'_>) -> Result<(), Fault> {
    let tokens = |sentence: &Sentence| {
        let named = sentence.tokens.iter().enumerate();
        let ours = named.filter(|(_, token)| medicines::named(token, said.medicines).as_ref() == Some(&item.code));
        ours.map(|(at, _)| stance::of_medicine(sentence, at)).collect::<Vec<Stance>>()
    };
    match touched.iter().flat_map(tokens).collect::<Vec<Stance>>().as_slice() {
        [] => Err(Fault::NotNamed),
        stances if stances.contains(&item.stance) => Ok(()),
        _ => Err(Fault::OtherStance),
    }
}

/// A short answer after the question that names the symptom.
fn answered(item: &Item, touched: &[Sentence], question: Option<&Source>, said: &Words<'_>) -> Result<(), Fault> {
    let question = question.ok_or(Fault::NotNamed)?;
    let asked = sentences(question.words.reveal());
    // The words of a source end before the mark that made them a question.
    let asked: Vec<Sentence> = asked.into_iter().map(|sentence| Sentence { asks: true, ..sentence }).collect();
    let spoken = language(&words(question.words.reveal()), said.language);
    if asked_for(&asked, spoken).map(Symptom::code) != Some(item.code.as_str()) {
        return Err(Fault::NotNamed);
    }
    let stance = touched.first().and_then(answer).ok_or(Fault::OtherStance)?;
    if stance == item.stance { Ok(()) } else { Err(Fault::OtherStance) }
}

/// A symptom that a model found in words no list has: taken only from sentences that deny and suppose nothing.
fn plainly(item: &Item, touched: &[Sentence]) -> Result<(), Fault> {
    if touched.is_empty() {
        return Err(Fault::NotNamed);
    }
    let plain = touched.iter().all(stance::is_plain);
    match item.stance {
        Stance::Unclear => Ok(()),
        Stance::Present if plain => Ok(()),
        Stance::Present | Stance::Absent | Stance::Earlier => Err(Fault::OtherStance),
    }
}

fn is_code(item: &Item, said: &Words<'_>) -> bool {
    match item.kind {
        ItemKind::Symptom => Symptom::from_code(&item.code).is_some(),
        ItemKind::Score => item.code == "unnamed" || Symptom::from_code(&item.code).is_some(),
        ItemKind::Medicine => medicines::known(&item.code).is_some() || said.medicines.contains(&item.code),
        ItemKind::Concern => matches!(item.code.as_str(), "asked" | "worry"),
        ItemKind::Promise => matches!(item.code.as_str(), "call" | "visit" | "other"),
    }
}
