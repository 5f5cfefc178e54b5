//! What a model may do for a draft: point at words. It is given the conversation without identifiers and replies with places;
//! what they mean, how they stand and whether they are there is decided by the rules of this room, so that a model that
//! errs, or obeys an attacker, adds nothing that nobody said and takes nothing away.

use super::{
    FoundBy, Heard, Item, ItemKind, Source, Stance,
    extract::{Words, quote},
    lexicon::{Symptom, symptoms_in},
    medicines,
    promises::promised,
    speech::{Sentence, language, sentences, words},
    stance,
};
use crate::domain::{guidance::scrub::scrub, private::Private};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the model is to do.
pub const INSTRUCTIONS: &str = include_str!("../../../prompts/summary.md");
/// Most tokens of a reply.
pub const REPLY_TOKENS: u32 = 1_500;
/// Most bytes of a conversation that are sent; of a longer one the end.
const MATERIAL_MOST: usize = 12_000;
/// Longest reply that is read at all, in bytes.
const REPLY_MOST: usize = 32_768;
/// Most places of a reply that are looked at.
const PLACES_MOST: usize = 40;

/// SHA-256 of the instructions and the schema, in hexadecimal; stored with each draft.
#[must_use]
pub fn sha256() -> String {
    let mut hash = Sha256::new();
    hash.update(INSTRUCTIONS.as_bytes());
    hash.update(schema().to_string().as_bytes());
    hex::encode(hash.finalize())
}

#[derive(Serialize)]
struct Material<'a> {
    utterances: Vec<MaterialUtterance<'a>>,
}

#[derive(Serialize)]
struct MaterialUtterance<'a> {
    number: usize,
    speaker: &'a str,
    text: String,
}

/// The untrusted material: the end of the conversation, without the names it is given and without numbers that tell who is
/// meant.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn material(heard: &[Heard], names: &[String]) -> Result<String, serde_json::Error> {
    let mut room = MATERIAL_MOST;
    let mut utterances: Vec<MaterialUtterance<'_>> = Vec::new();
    for (place, heard) in heard.iter().enumerate().rev() {
        let text = scrub(heard.text.reveal(), names);
        let Some(left) = room.checked_sub(text.len()) else { break };
        room = left;
        utterances.push(MaterialUtterance { number: place + 1, speaker: heard.voice.word(), text });
    }
    utterances.reverse();
    serde_json::to_string(&Material { utterances })
}

/// The JSON schema of a reply; every key required and no other allowed, as strict mode wants it.
#[must_use]
pub fn schema() -> serde_json::Value {
    let object = |properties: serde_json::Value| {
        let required: Vec<String> = properties.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        serde_json::json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        })
    };
    let item = object(serde_json::json!({
        "kind": {"type": "string", "enum": ["symptom", "medicine", "concern", "promise"]},
        "code": {"type": "string"},
        "utterance": {"type": "integer"},
        "span": {"type": "string"},
    }));
    object(serde_json::json!({"items": {"type": "array", "items": item}}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    items: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    kind: ItemKind,
    code: String,
    utterance: usize,
    span: String,
}

/// The items that a reply points at, still to be verified. `None` when it is anything but one such object of a bearable size.
#[must_use]
pub fn read(reply: &str, said: &Words<'_>) -> Option<Vec<Item>> {
    let reply: Reply = (reply.len() <= REPLY_MOST).then(|| serde_json::from_str(reply).ok()).flatten()?;
    Some(reply.items.iter().take(PLACES_MOST).map(|place| item(place, said)).collect())
}

/// What of a model's items is added to those of the rules: what they have not found themselves.
#[must_use]
pub fn added(rules: &[Item], chosen: Vec<Item>) -> Vec<Item> {
    let overlaps =
        |one: &Source, other: &Source| one.utterance == other.utterance && one.from < other.to && other.from < one.to;
    let is_known = |item: &Item| {
        rules.iter().any(|known| {
            known.kind == item.kind
                && known.sources.iter().any(|own| item.sources.iter().any(|source| overlaps(own, source)))
                && (known.code == item.code || item.kind != ItemKind::Symptom && item.kind != ItemKind::Medicine)
        })
    };
    chosen.into_iter().filter(|item| !is_known(item)).collect()
}

fn item(place: &Place, said: &Words<'_>) -> Item {
    let whole = whole_sentences(place, said.heard);
    let (code, stance) = match (&whole, place.kind) {
        (Some((_, touched)), ItemKind::Symptom) => (place.code.clone(), symptom_stance(place, touched, said)),
        (Some((_, touched)), ItemKind::Medicine) => medicine(touched, said),
        (Some((_, touched)), ItemKind::Concern) => {
            let code = if touched.iter().any(|sentence| sentence.asks) { "asked" } else { "worry" };
            (code.to_owned(), Stance::Present)
        }
        (Some((_, touched)), ItemKind::Promise) => {
            (touched.first().map_or("other", promised).to_owned(), Stance::Present)
        }
        // Numbers are found by rule alone; and words that are nowhere mean nothing.
        (Some(_), ItemKind::Score) | (None, _) => (place.code.clone(), Stance::Present),
    };
    let sources = match whole {
        Some((source, _)) => vec![source],
        None => nowhere(place, said.heard),
    };
    Item { kind: place.kind, code, stance, score: None, by: FoundBy::Model, sources }
}

/// A span with the whole sentences round it, so that no denial is cut off.
fn whole_sentences(place: &Place, heard: &[Heard]) -> Option<(Source, Vec<Sentence>)> {
    let heard = place.utterance.checked_sub(1).and_then(|at| heard.get(at))?;
    let text = heard.text.reveal();
    let span = place.span.trim();
    let from = text.find(span).filter(|_| !span.is_empty())?;
    let to = from + span.len();
    let touched: Vec<Sentence> = sentences(text)
        .into_iter()
        .filter(|sentence| {
            let (begin, end) = sentence.place();
            begin < to && from < end
        })
        .collect();
    let (begin, _) = touched.first()?.place();
    let (_, end) = touched.last()?.place();
    Some((quote(heard, begin, end)?, touched))
}

/// A source that will not hold: kept so that what a model made up is counted.
fn nowhere(place: &Place, heard: &[Heard]) -> Vec<Source> {
    let heard = place.utterance.checked_sub(1).and_then(|at| heard.get(at)).or_else(|| heard.first());
    let source = |heard: &Heard| Source {
        utterance: heard.id,
        voice: heard.voice,
        from: 0,
        to: 0,
        words: Private::new(place.span.chars().take(200).collect()),
    };
    heard.map(source).into_iter().collect()
}

fn symptom_stance(place: &Place, touched: &[Sentence], said: &Words<'_>) -> Stance {
    let heard = place.utterance.checked_sub(1).and_then(|at| said.heard.get(at));
    let voice = heard.map(|heard| heard.voice);
    let spoken = heard.map_or(said.language, |heard| language(&words(heard.text.reveal()), said.language));
    let named = touched.iter().find_map(|sentence| {
        let named = symptoms_in(&sentence.tokens, spoken);
        let ours = named.into_iter().find(|named| Symptom::from_code(&place.code) == Some(named.symptom))?;
        Some(stance::of_symptom(sentence, ours, voice?))
    });
    let plain = if touched.iter().all(stance::is_plain) { Stance::Present } else { Stance::Unclear };
    named.unwrap_or(plain)
}

fn medicine(touched: &[Sentence], said: &Words<'_>) -> (String, Stance) {
    let named = touched.iter().find_map(|sentence| {
        let mut tokens = sentence.tokens.iter().enumerate();
        tokens
            .find_map(|(at, token)| Some((medicines::named(token, said.medicines)?, stance::of_medicine(sentence, at))))
    });
    named.unwrap_or_else(|| ("unknown".to_owned(), Stance::Present))
}
