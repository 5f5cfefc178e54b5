//! Finds the items of a draft by rule, without a model: lists of words, who spoke, how the words stand to what they name. A
//! question of the nurse is no statement of the caller; a statement of the nurse is no symptom of anybody.

use super::{
    FoundBy, Heard, Item, ItemKind, Source, Stance,
    answers::{answer, asked_for, topic},
    lexicon::{Symptom, symptoms_in},
    medicines,
    promises::{is_denied, is_worth_answering, promised, promises, worry},
    scores::{Asked, Named, asks_scale, scores_in},
    speech::{Sentence, language, sentences, words},
    stance,
};
use crate::domain::{people::Language, private::Private, transcript::Voice};

/// Most places that one item is quoted from.
const SOURCES_MOST: usize = 4;

/// What is read: the words of a call in the order they began.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// The utterances.
    pub heard: &'a [Heard],
    /// The language of the patient, for words that do not tell.
    pub language: Language,
    /// Medicines of the patient's chart, by `medicines::of_chart`.
    pub medicines: &'a [String],
}

/// Everything that rules find, in the order it was said. The same words always give the same items.
#[must_use]
pub fn extract(words: &Words<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (place, heard) in words.heard.iter().enumerate() {
        let read = Read::of(words, place, heard);
        let found = match heard.voice {
            Voice::Nurse => read.of_nurse(),
            Voice::Patient | Voice::Caregiver => read.of_caller(),
        };
        for item in found {
            put(&mut items, item);
        }
    }
    items
}

/// Items of one kind about one thing, said by one person in one way, are one item quoted from several places.
fn put(items: &mut Vec<Item>, item: Item) {
    let voice = |item: &Item| item.sources.first().map(|source| source.voice);
    if items.contains(&item) {
        return;
    }
    let gathers = matches!(item.kind, ItemKind::Symptom | ItemKind::Medicine);
    let same = items.iter_mut().find(|before| {
        gathers
            && before.kind == item.kind
            && before.code == item.code
            && before.stance == item.stance
            && voice(before) == voice(&item)
    });
    match same {
        // What only answers a question stands for itself: its sources belong together.
        Some(before) if before.sources.iter().chain(&item.sources).all(|source| Some(source.voice) == voice(&item)) => {
            let room = SOURCES_MOST.saturating_sub(before.sources.len());
            let fresh: Vec<Source> =
                item.sources.into_iter().filter(|source| !before.sources.contains(source)).take(room).collect();
            before.sources.extend(fresh);
        }
        Some(_) | None => items.push(item),
    }
}

/// The stretch of an utterance between two places, in bytes; `None` when it does not stand there.
#[must_use]
pub fn quote(heard: &Heard, from: usize, to: usize) -> Option<Source> {
    let words = heard.text.reveal().get(from..to).filter(|words| !words.is_empty())?;
    Some(Source { utterance: heard.id, voice: heard.voice, from, to, words: Private::new(words.to_owned()) })
}

/// One utterance with what came before it.
struct Read<'a> {
    words: &'a Words<'a>,
    heard: &'a Heard,
    sentences: Vec<Sentence>,
    language: Language,
    /// The nurse's words that it may answer, and their sentences.
    question: Option<(&'a Heard, Vec<Sentence>)>,
    /// Whether it follows those words at once.
    answers_at_once: bool,
}

impl<'a> Read<'a> {
    fn of(all: &'a Words<'a>, place: usize, heard: &'a Heard) -> Self {
        let before = all.heard.get(place.saturating_sub(2)..place).unwrap_or_default();
        let question = before.iter().rev().find(|heard| heard.voice == Voice::Nurse);
        Self {
            words: all,
            heard,
            sentences: sentences(heard.text.reveal()),
            language: language(&words(heard.text.reveal()), all.language),
            question: question.map(|question| (question, sentences(question.text.reveal()))),
            answers_at_once: before.last().is_some_and(|last| last.voice == Voice::Nurse),
        }
    }

    fn item(&self, kind: ItemKind, code: &str, stance: Stance, sentence: &Sentence) -> Option<Item> {
        let (from, to) = sentence.place();
        let sources = vec![quote(self.heard, from, to)?];
        Some(Item { kind, code: code.to_owned(), stance, score: None, by: FoundBy::Rules, sources })
    }

    fn of_nurse(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for sentence in self.sentences.iter().filter(|sentence| !sentence.asks) {
            if promises(sentence) {
                items.extend(self.item(ItemKind::Promise, promised(sentence), Stance::Present, sentence));
            }
            items.extend(self.medicines(sentence));
        }
        items
    }

    fn of_caller(&self) -> Vec<Item> {
        let mut items: Vec<Item> = self.short_answer().into_iter().collect();
        for sentence in &self.sentences {
            items.extend(self.symptoms(sentence));
            items.extend(self.scores(sentence));
            items.extend(self.medicines(sentence));
            items.extend(self.concern(sentence));
        }
        items
    }

    fn symptoms(&self, sentence: &Sentence) -> Vec<Item> {
        if sentence.asks {
            return Vec::new();
        }
        let mut items: Vec<Item> = Vec::new();
        for named in symptoms_in(&sentence.tokens, self.language) {
            let stance = stance::of_symptom(sentence, named, self.heard.voice);
            let item = self.item(ItemKind::Symptom, named.symptom.code(), stance, sentence);
            items.extend(item.filter(|item| !items.contains(item)));
        }
        items
    }

    fn scores(&self, sentence: &Sentence) -> Vec<Item> {
        let named = symptoms_in(&sentence.tokens, self.language);
        let (code, how_many) = match named.as_slice() {
            [only] => (Some(only.symptom), Named::One),
            _ => (None, Named::NotOne),
        };
        let asked = self.question.as_ref().is_some_and(|(heard, _)| asks_scale(&words(heard.text.reveal())));
        let asked = if asked { Asked::ForScale } else { Asked::Otherwise };
        let of_question = || {
            let (heard, sentences) = self.question.as_ref()?;
            let language = language(&words(heard.text.reveal()), self.words.language);
            topic(sentences, language).map(|topic| (topic, heard, sentences))
        };
        let mut items = Vec::new();
        for said in scores_in(sentence, how_many, asked) {
            let asked_about = if code.is_none() { of_question() } else { None };
            let symptom = code.or(asked_about.as_ref().map(|(topic, _, _)| *topic));
            let code = symptom.map_or("unnamed", Symptom::code);
            let Some(mut item) = self.item(ItemKind::Score, code, said.stance, sentence) else { continue };
            item.score = Some((said.least, said.most));
            if let Some((_, heard, sentences)) = asked_about {
                item.sources.extend(whole(heard, sentences));
            }
            items.push(item);
        }
        items
    }

    fn medicines(&self, sentence: &Sentence) -> Vec<Item> {
        if sentence.asks {
            return Vec::new();
        }
        let mut items: Vec<Item> = Vec::new();
        for (at, token) in sentence.tokens.iter().enumerate() {
            let Some(name) = medicines::named(token, self.words.medicines) else { continue };
            let stance = stance::of_medicine(sentence, at);
            let item = self.item(ItemKind::Medicine, &name, stance, sentence);
            items.extend(item.filter(|item| !items.contains(item)));
        }
        items
    }

    fn concern(&self, sentence: &Sentence) -> Option<Item> {
        if is_worth_answering(sentence) {
            return self.item(ItemKind::Concern, "asked", Stance::Present, sentence);
        }
        let (at, _) = worry(sentence, self.language).filter(|_| !sentence.asks)?;
        let stance = if is_denied(sentence, at) { Stance::Unclear } else { Stance::Present };
        self.item(ItemKind::Concern, "worry", stance, sentence)
    }

    /// Yes or no to the one symptom that was asked for.
    fn short_answer(&self) -> Option<Item> {
        let (heard, question) = self.question.as_ref().filter(|_| self.answers_at_once)?;
        let language = language(&words(heard.text.reveal()), self.words.language);
        let symptom = asked_for(question, language)?;
        let first = self.sentences.first()?;
        let mut item = self.item(ItemKind::Symptom, symptom.code(), answer(first)?, first)?;
        let (from, to) = question.last()?.place();
        item.sources.push(quote(heard, from, to)?);
        Some(item)
    }
}

fn whole(heard: &Heard, sentences: &[Sentence]) -> Option<Source> {
    let (from, _) = sentences.first()?.place();
    let (_, to) = sentences.last()?.place();
    quote(heard, from, to)
}
