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
