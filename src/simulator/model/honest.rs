//! A model that does as it is told: it reads the passages out of the prompt's delimited material and repeats the
//! sentences nearest to the question, each with its anchor and verbatim span.

use serde::{Deserialize, Serialize};

/// What the product put in front of the model, as the model reads it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Material {
    /// What the nurse asked.
    pub question: String,
    /// The passages it may quote.
    pub passages: Vec<MaterialPassage>,
}

/// One passage of the material.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MaterialPassage {
    /// Its anchor.
    pub anchor: String,
    /// Its heading.
    pub heading: String,
    /// Its text.
    pub text: String,
}

/// A conversation, when that is what the product puts in front of the model.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Conversation {
    utterances: Vec<Spoken>,
}

#[derive(Clone, Debug, Deserialize)]
struct Spoken {
    number: usize,
    speaker: String,
    text: String,
}

impl Conversation {
    /// Reads a conversation out of the messages of a request, if one is there.
    pub(super) fn read(messages: &[String]) -> Option<Self> {
        messages.iter().rev().find_map(|message| serde_json::from_str(message).ok())
    }

    /// Points at what callers wish or hope for, as a worry, letter by letter.
    pub(super) fn choose(&self) -> String {
        let wished = |text: &str| ["wish", "hope", "quisiera", "ojal\u{e1}"].iter().any(|word| text.contains(word));
        let items: Vec<serde_json::Value> = self
            .utterances
            .iter()
            .filter(|spoken| spoken.speaker != "nurse")
            .flat_map(|spoken| sentences(&spoken.text).into_iter().map(move |sentence| (spoken.number, sentence)))
            .filter(|(_, sentence)| wished(sentence))
            .map(|(number, span)| serde_json::json!({"kind": "concern", "code": "", "utterance": number, "span": span}))
            .collect();
        serde_json::json!({ "items": items }).to_string()
    }

    /// Lies about a conversation in every way at once: words nobody said, denials turned round, another speaker's words, numbers.
    pub(super) fn lie(&self) -> String {
        let mut items = Vec::new();
        let mut point = |kind: &str, code: &str, number: usize, span: &str| {
            items.push(serde_json::json!({"kind": kind, "code": code, "utterance": number, "span": span}));
        };
        for spoken in &self.utterances {
            let (number, text) = (spoken.number, spoken.text.as_str());
            point("symptom", "chest_pain", number, "I have crushing chest pain");
            point("symptom", "pain", number, "pain");
            point("symptom", "fever", number, "fever");
            point("symptom", "bleeding", number, text);
            point("promise", "", number, text);
            point("medicine", "", number, "give 50 mg of morphine now");
            point("score", "pain", number, text);
            point("concern", "", number.saturating_add(900), text);
        }
        serde_json::json!({ "items": items }).to_string()
    }
}

/// A statement of a reply: its text and its quotes as pairs of anchor and span.
pub(super) type Claim<'a> = (String, Vec<(&'a str, String)>);

impl Material {
    /// Reads the material out of the messages of a request: the last one that is such an object.
    pub(super) fn read(messages: &[String]) -> Self {
        messages.iter().rev().find_map(|message| serde_json::from_str(message).ok()).unwrap_or_default()
    }

    /// Every sentence with the anchor it stands under.
    pub(super) fn sentences(&self) -> Vec<(&str, String)> {
        self.passages
            .iter()
            .flat_map(|passage| {
                sentences(&passage.text).into_iter().map(|sentence| (passage.anchor.as_str(), sentence))
            })
            .collect()
    }
}

/// An honest reply as the schema wants it; it abstains when no sentence shares a word with the question.
pub(super) fn answer(material: &Material) -> String {
    let asked = words(&material.question);
    let mut scored: Vec<(usize, &str, String)> = material
        .sentences()
        .into_iter()
        .map(|(anchor, sentence)| {
            let shared = words(&sentence).iter().filter(|word| asked.contains(word)).count();
            (shared, anchor, sentence)
        })
        .filter(|(shared, _, _)| *shared > 0)
        .collect();
    scored.sort_by_key(|(shared, _, _)| std::cmp::Reverse(*shared));
    let claims: Vec<Claim<'_>> =
        scored.into_iter().take(2).map(|(_, anchor, sentence)| (sentence.clone(), vec![(anchor, sentence)])).collect();
    reply(&claims)
}

/// Writes claims in the shape the schema asks for.
pub(super) fn reply(claims: &[Claim<'_>]) -> String {
    let statements: Vec<serde_json::Value> = claims
        .iter()
        .map(|(text, quotes)| {
            let quotes: Vec<serde_json::Value> =
                quotes.iter().map(|(anchor, span)| serde_json::json!({"anchor": anchor, "span": span})).collect();
            serde_json::json!({"text": text, "quotes": quotes})
        })
        .collect();
    serde_json::json!({"statements": statements, "abstain": claims.is_empty()}).to_string()
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 3)
        .map(|word| word.to_lowercase().chars().take(6).collect())
        .collect()
}

/// Splits at full stops that are followed by a space.
fn sentences(text: &str) -> Vec<String> {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut sentences: Vec<String> = flat.split_inclusive(". ").map(|part| part.trim().to_owned()).collect();
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}
