//! What a model is given: instructions from `prompts/guidance.md`, and the material as one JSON object, so that no
//! text inside a passage or a question can end its own quotation marks. It carries no identifiers.

use super::Passage;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What the model is to do.
pub const INSTRUCTIONS: &str = include_str!("../../../prompts/guidance.md");

/// Most tokens of a reply.
pub const REPLY_TOKENS: u32 = 1_000;

/// SHA-256 of the instructions and the schema, in hexadecimal; stored with each answer.
#[must_use]
pub fn sha256() -> String {
    let mut hash = Sha256::new();
    hash.update(INSTRUCTIONS.as_bytes());
    hash.update(schema().to_string().as_bytes());
    hex::encode(hash.finalize())
}

/// SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn sha256_of(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[derive(Serialize)]
struct Material<'a> {
    question: &'a str,
    passages: Vec<MaterialPassage<'a>>,
}

#[derive(Serialize)]
struct MaterialPassage<'a> {
    anchor: &'a str,
    heading: &'a str,
    text: &'a str,
}

/// The untrusted material: a question without identifiers and the passages that may be quoted. Passages that need an
/// order of the patient are not among them.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn material<'a>(
    scrubbed_question: &str,
    passages: impl IntoIterator<Item = &'a Passage>,
) -> Result<String, serde_json::Error> {
    let passages = passages
        .into_iter()
        .filter(|passage| !passage.is_order_only())
        .map(|passage| MaterialPassage { anchor: &passage.anchor, heading: &passage.heading, text: &passage.text })
        .collect();
    serde_json::to_string(&Material { question: scrubbed_question, passages })
}

/// The JSON schema of a reply; every key required and no other allowed, as strict mode wants it.
#[must_use]
pub fn schema() -> serde_json::Value {
    let text = serde_json::json!({"type": "string"});
    let object = |properties: serde_json::Value| {
        let required: Vec<String> = properties.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        serde_json::json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        })
    };
    let quote = object(serde_json::json!({"anchor": text, "span": text}));
    let statement = object(serde_json::json!({"text": text, "quotes": {"type": "array", "items": quote}}));
    object(serde_json::json!({
        "statements": {"type": "array", "items": statement},
        "abstain": {"type": "boolean"}
    }))
}
