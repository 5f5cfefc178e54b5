//! A stored call run again: the protocol evaluated at every state its answers had, guidance made again from what was stored
//! with it, the summary found again in the words. What comes out is compared with what came out then, point by point.
//! Nothing here asks a model, a clock or a database: the same tape gives the same result to the letter.

use super::{
    disposition::Disposition,
    guidance::{
        Outcome, Passage, ProtocolRef, Shown, again,
        choose::{Found, found_without_index},
        evidence::Evidence,
        scrub::scrub,
    },
    ids::UtteranceId,
    people::Language,
    private::Private,
    protocol::{
        Evaluation, Inputs, Package, evaluate,
        model::{Rule, RuleKind},
    },
    summary::{
        Heard, ITEMS_MOST, Item, RULES,
        extract::{Words, extract},
        model, seal, seal_of_all,
        verify::verify,
    },
};
use serde::Serialize;
use std::collections::BTreeSet;

/// What is stored of a call.
pub struct Tape {
    /// The words, in order.
    pub heard: Vec<Heard>,
    /// The language of the patient.
    pub language: Language,
    /// Each state of the answers.
    pub states: Vec<State>,
    /// Each question of the nurse.
    pub asked: Vec<Asked>,
    /// The draft of what was said.
    pub draft: Option<Drafted>,
    /// Names to be taken out of questions.
    pub names: Vec<Private<String>>,
}

/// One state of the answers.
pub struct State {
    /// Milliseconds since patient and nurse began to talk.
    pub at_ms: i64,
    /// Its number.
    pub revision: i32,
    /// What was known.
    pub inputs: Inputs,
    /// What the protocol made of it then.
    pub evaluation: Evaluation,
}

/// One question of the nurse, and what was shown.
pub struct Asked {
    /// Milliseconds since patient and nurse began to talk.
    pub at_ms: i64,
    /// The question.
    pub question: Private<String>,
    /// What was shown.
    pub shown: Shown,
    /// What it rested on.
    pub evidence: Evidence,
}

/// The draft of what was said, with the seals of its words.
pub struct Drafted {
    /// The version of lists and rules that made it.
    pub rules: String,
    /// Its items.
    pub items: Vec<Item>,
    /// Medicines of the chart that were listened for.
    pub medicines: Vec<String>,
    /// The salt of the seals.
    pub salt: Vec<u8>,
    /// The seal of each utterance, in order.
    pub seals: Vec<(UtteranceId, Vec<u8>)>,
    /// What a model replied then.
    pub reply: Option<String>,
    /// The seal of all of them, as the record says it.
    pub recorded: Option<String>,
}

/// A version of a protocol, with the passages that may be quoted.
pub struct Edition<'a> {
    /// The package.
    pub package: &'a Package,
    /// Its passages.
    pub passages: &'a [Passage],
    /// Its name.
    pub name: ProtocolRef,
}

/// Something that was shown or found at one point of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Milliseconds since patient and nurse began to talk; none for what is found after the call.
    pub at_ms: Option<i64>,
    /// Where: a state of the answers, a question, the words, the summary.
    pub place: String,
    /// What comes out when the call is run again.
    pub cards: Vec<String>,
}

/// A card that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Milliseconds since patient and nurse began to talk; none for what is found after the call.
    pub at_ms: Option<i64>,
    /// Where.
    pub place: String,
    /// What there was; `nothing` when it is new.
    pub was: String,
    /// What there is; `nothing` when it is gone.
    pub is: String,
    /// Which rule, passage or word differs.
    pub why: String,
}

/// A call run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Every point, in the order of the call.
    pub points: Vec<Point>,
    /// Every card that changed.
    pub differences: Vec<Difference>,
}

/// Runs a tape under a version; `then` is the one the call was pinned to.
#[must_use]
pub fn run(tape: &Tape, then: &Edition<'_>, now: &Edition<'_>) -> Replay {
    let mut replay = Replay { points: Vec::new(), differences: Vec::new() };
    for state in &tape.states {
        replay.answers(state, then, now);
    }
    for (number, asked) in (1..).zip(&tape.asked) {
        replay.guidance(number, asked, tape, then, now);
    }
    // The order of the call: a stable sort keeps answers before a question of the same instant.
    replay.points.sort_by_key(|point| point.at_ms);
    replay.differences.sort_by_key(|difference| difference.at_ms);
    if let Some(draft) = &tape.draft {
        replay.words(tape, draft);
        replay.summary(tape, draft);
    }
    replay
}

impl Replay {
    fn differs(&mut self, (at_ms, place): (Option<i64>, &str), was: String, is: String, why: String) {
        self.differences.push(Difference { at_ms, place: place.to_owned(), was, is, why });
    }

    fn answers(&mut self, state: &State, then: &Edition<'_>, now: &Edition<'_>) {
        let place = format!("answers, revision {}", state.revision);
        let at = (Some(state.at_ms), place.as_str());
        let again = evaluate(&now.package.protocol, &state.inputs);
        let level = |evaluation: &Evaluation| evaluation.disposition.map_or("nothing", Disposition::code).to_owned();
        let fired =
            |evaluation: &Evaluation| evaluation.fired.iter().map(|fired| fired.rule.clone()).collect::<BTreeSet<_>>();
        let (was, is) = (fired(&state.evaluation), fired(&again));
        let card = |rule: &str, edition: &Edition<'_>| match edition.package.protocol.rule(rule).map(|rule| rule.kind) {
            Some(RuleKind::RedFlag) => format!("red flag {rule}"),
            Some(RuleKind::Rule) | None => format!("rule {rule}"),
        };
        for rule in was.difference(&is) {
            self.differs(at, card(rule, then), "nothing".to_owned(), why_rule(rule, then, now));
        }
        for rule in is.difference(&was) {
            self.differs(at, "nothing".to_owned(), card(rule, now), why_rule(rule, then, now));
        }
        if level(&state.evaluation) != level(&again) {
            let moved: Vec<String> = was
                .union(&is)
                .filter(|rule| then.package.protocol.rule(rule) != now.package.protocol.rule(rule))
                .map(|rule| why_rule(rule, then, now))
                .collect();
            let why = if moved.is_empty() { why_level(then, now) } else { moved.join("; ") };
            let says = |level: String| format!("disposition {level}");
            self.differs(at, says(level(&state.evaluation)), says(level(&again)), why);
        }
        let mut cards = vec![format!("disposition {}", level(&again))];
        cards.extend(again.fired.iter().map(|fired| card(&fired.rule, now)));
        self.points.push(Point { at_ms: Some(state.at_ms), place, cards });
    }

    fn guidance(&mut self, number: usize, asked: &Asked, tape: &Tape, then: &Edition<'_>, now: &Edition<'_>) {
        let place = format!("question {number}");
        let question = asked.question.reveal();
        let is_same = then.name == now.name;
        let found: Vec<Found> = if is_same {
            again::found(&asked.evidence)
        } else {
            // What was found in another version says nothing about this one: its passages are looked through by words.
            let names: Vec<String> = tape.names.iter().map(|name| name.reveal().clone()).collect();
            found_without_index(&scrub(question, &names), now.passages)
        };
        let shown = again::shown(question, &found, now.passages, now.name.clone(), &asked.evidence);
        let (was, is) = (cards_of(&asked.shown), cards_of(&shown));
        let at = (Some(asked.at_ms), place.as_str());
        for card in was.iter().filter(|card| !is.contains(card)) {
            self.differs(at, card.clone(), "nothing".to_owned(), why_passage(card, then, now));
        }
        for card in is.iter().filter(|card| !was.contains(card)) {
            self.differs(at, "nothing".to_owned(), card.clone(), why_passage(card, then, now));
        }
        self.points.push(Point { at_ms: Some(asked.at_ms), place, cards: is });
    }

    /// Whether the words are those that were heard.
    fn words(&mut self, tape: &Tape, draft: &Drafted) {
        let at = (None, "words");
        let why = || "the stored words were altered after they were heard".to_owned();
        let mut seals = Vec::new();
        for (number, (id, kept)) in draft.seals.iter().enumerate() {
            let name = format!("utterance {}", number + 1);
            match tape.heard.iter().find(|heard| heard.id == *id) {
                None => self.differs(at, name, "nothing".to_owned(), why()),
                Some(heard) => {
                    let seal = seal(&draft.salt, heard);
                    if seal.as_slice() != kept.as_slice() {
                        self.differs(at, format!("{name} as heard"), format!("{name} in other words"), why());
                    }
                    seals.push(seal);
                }
            }
        }
        for heard in tape.heard.iter().filter(|heard| draft.seals.iter().all(|(id, _)| *id != heard.id)) {
            let why = "it was not there when the summary was drafted".to_owned();
            self.differs(at, "nothing".to_owned(), format!("utterance {}", heard.id), why);
        }
        let all = hex::encode(seal_of_all(&seals));
        let recorded = draft.recorded.as_deref().unwrap_or("nothing");
        if self.differences.iter().all(|difference| difference.place != "words") && recorded != all {
            let why = "the record was written for other words".to_owned();
            self.differs(at, "the seal in the record".to_owned(), "another seal".to_owned(), why);
        }
        self.points.push(Point { at_ms: None, place: "words".to_owned(), cards: vec![format!("sealed {all}")] });
    }

    fn summary(&mut self, tape: &Tape, draft: &Drafted) {
        let words = Words { heard: &tape.heard, language: tape.language, medicines: &draft.medicines };
        let mut found = verify(extract(&words), &words).items;
        // What a model replied then is read again and held against the words again; the model is not asked again.
        let chosen = draft.reply.as_ref().and_then(|reply| model::read(reply, &words)).unwrap_or_default();
        let added = model::added(&found, verify(chosen, &words).items);
        found.extend(added);
        found.truncate(ITEMS_MOST);
        let card = |item: &Item| {
            let places: Vec<String> = item
                .sources
                .iter()
                .map(|source| {
                    let number =
                        tape.heard.iter().position(|heard| heard.id == source.utterance).map_or(0, |at| at + 1);
                    format!("{number}:{}-{}", source.from, source.to)
                })
                .collect();
            let score = item.score.map_or_else(String::new, |(least, most)| format!(" {least}-{most}"));
            format!("{} {} {}{score} at {}", item.kind.word(), item.code, item.stance.word(), places.join(", "))
        };
        let (was, is): (Vec<String>, Vec<String>) =
            (draft.items.iter().map(card).collect(), found.iter().map(card).collect());
        let why = if draft.rules == RULES {
            "the words are not those it was found in".to_owned()
        } else {
            format!("it was drafted by {} and is found by {RULES}", draft.rules)
        };
        for card in was.iter().filter(|card| !is.contains(card)) {
            self.differs((None, "summary"), card.clone(), "nothing".to_owned(), why.clone());
        }
        for card in is.iter().filter(|card| !was.contains(card)) {
            self.differs((None, "summary"), "nothing".to_owned(), card.clone(), why.clone());
        }
        self.points.push(Point { at_ms: None, place: "summary".to_owned(), cards: is });
    }
}

/// What a nurse saw for a question, as cards: how it was answered, each statement with where it stands.
fn cards_of(shown: &Shown) -> Vec<String> {
    let mut cards = vec![format!("guidance {}", shown.outcome.word())];
    for statement in &shown.statements {
        let anchors: Vec<String> = statement.quotes.iter().map(|quote| format!("#{}", quote.anchor)).collect();
        cards.push(format!("{}: {}", anchors.join(" "), statement.text));
    }
    if shown.outcome != Outcome::Refused {
        cards.extend(shown.passages.iter().map(|passage| format!("passage #{}: {}", passage.anchor, passage.text)));
    }
    cards
}

fn why_rule(id: &str, then: &Edition<'_>, now: &Edition<'_>) -> String {
    let (was, is) = (then.package.protocol.rule(id), now.package.protocol.rule(id));
    let (old, new) = (&then.name.version, &now.name.version);
    match (was, is) {
        (None, None) => format!("rule {id} is in neither version"),
        (Some(_), None) => format!("rule {id} is in {old} and not in {new}"),
        (None, Some(_)) => format!("rule {id} is new in {new}"),
        (Some(was), Some(is)) if was == is && then.name == now.name => {
            format!("rule {id} is the same: the stored answers or what was made of them were altered")
        }
        (Some(was), Some(is)) if was == is => format!("rule {id} is the same; what it reads differs in {new}"),
        (Some(was), Some(is)) => format!("rule {id} differs in {new}: {}", what_differs(was, is)),
    }
}

fn what_differs(was: &Rule, is: &Rule) -> String {
    let mut parts = Vec::new();
    if was.disposition != is.disposition {
        parts.push(format!("it leads to {}, not {}", is.disposition.code(), was.disposition.code()));
    }
    if was.when != is.when {
        parts.push("its condition is another".to_owned());
    }
    if was.kind != is.kind || was.overlay != is.overlay || was.also_run != is.also_run {
        parts.push("what it brings along is another".to_owned());
    }
    if parts.is_empty() {
        parts.push("what it rests on is another".to_owned());
    }
    parts.join(", ")
}

fn why_level(then: &Edition<'_>, now: &Edition<'_>) -> String {
    if then.package.protocol.floor != now.package.protocol.floor {
        return format!("unasked red flags lead to {} at least", now.package.protocol.floor.code());
    }
    if then.name == now.name {
        "the stored answers or what was made of them were altered".to_owned()
    } else {
        format!("questions or facts differ in {}", now.name.version)
    }
}

fn why_passage(card: &str, then: &Edition<'_>, now: &Edition<'_>) -> String {
    let anchor = card.split_once('#').map(|(_, rest)| rest.split([':', ' ']).next().unwrap_or_default());
    let text = |edition: &Edition<'_>| {
        let named = edition.passages.iter().find(|passage| Some(passage.anchor.as_str()) == anchor);
        named.map(|passage| passage.text.clone())
    };
    match (anchor, text(then), text(now)) {
        (None, _, _) => "the answer is of another kind".to_owned(),
        (Some(anchor), Some(was), Some(is)) if was == is => {
            format!("passage {anchor} is the same; others were chosen with it")
        }
        (Some(anchor), Some(_), Some(_)) => format!("passage {anchor} has other words in {}", now.name.version),
        (Some(anchor), Some(_), None) => format!("passage {anchor} is not in {}", now.name.version),
        (Some(anchor), None, _) => format!("passage {anchor} is not in {}", then.name.version),
    }
}
