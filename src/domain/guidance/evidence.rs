//! Why a nurse saw what they saw: enough to replay an answer from the record, and what was withheld.

use super::{
    Passage, Refusal, Shown, WhyPassages,
    choose::{Chosen, Found},
    prompt::sha256_of,
    verify::Rejected,
};
use crate::domain::{
    ids::{GuidanceId, StaffId},
    private::Private,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The evidence behind one answer; stored as JSON next to what was shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// How the answer was made.
    pub way: Way,
    /// Why nothing was answered.
    pub refusal: Option<Refusal>,
    /// Why only passages were shown.
    pub why_passages: Option<WhyPassages>,
    /// The passages chosen, best first, with their hashes and scores.
    pub retrieved: Vec<Retrieved>,
    /// Everything the search found, chosen or not, so that the answer can be made again; none for a question refused before.
    #[serde(default)]
    pub found: Option<Vec<Retrieved>>,
    /// How the passages were searched for.
    pub search: Search,
    /// SHA-256 of the prompt's instructions and schema, when a model was asked.
    pub prompt_sha256: Option<String>,
    /// SHA-256 of the material the model was given.
    pub material_sha256: Option<String>,
    /// The model's own name for itself.
    pub model: Option<String>,
    /// The outage that kept the model from answering: a dependency and a kind.
    pub outage: Option<String>,
    /// SHA-256 of the model's reply.
    pub reply_sha256: Option<String>,
    /// The reply itself; it has no words of the patient but those the question had.
    #[serde(default)]
    pub reply: Option<String>,
    /// Statements that were withheld, each with its fault.
    pub rejected: Vec<Rejected>,
    /// From the question to the answer, in milliseconds.
    pub latency_ms: u64,
}

/// How an answer was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Sentences picked by rule.
    #[default]
    Extractive,
    /// Written by a model and verified.
    Generated,
}

/// How passages were searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// Not at all: the question was refused before.
    #[default]
    None,
    /// By words and by meaning.
    Hybrid,
    /// By words alone.
    Words,
    /// By shared words in the passages themselves, because the index was away.
    WithoutIndex,
}

/// One passage chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrieved {
    /// Its anchor.
    pub anchor: String,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// Relevance of the words (BM25).
    pub lexical: f32,
    /// Cosine with the question.
    pub cosine: Option<f32>,
    /// The fused score.
    pub fused: f64,
}

impl Retrieved {
    /// What a search found, before anything was chosen.
    #[must_use]
    pub fn seen(found: &Found, passages: &[Passage]) -> Self {
        let passage = passages.iter().find(|passage| passage.anchor == found.anchor);
        Self {
            anchor: found.anchor.clone(),
            sha256: passage.map(|passage| hex::encode(&passage.sha256)).unwrap_or_default(),
            lexical: found.lexical,
            cosine: found.cosine,
            fused: 0.0,
        }
    }
}

impl From<&Chosen> for Retrieved {
    fn from(chosen: &Chosen) -> Self {
        Self {
            anchor: chosen.passage.anchor.clone(),
            sha256: hex::encode(&chosen.passage.sha256),
            lexical: chosen.found.lexical,
            cosine: chosen.found.cosine,
            fused: chosen.fused,
        }
    }
}

impl Evidence {
    /// Notes what was sent to a model and what it was asked to do.
    pub fn note_prompt(&mut self, prompt_sha256: String, material: &str) {
        self.way = Way::Generated;
        self.prompt_sha256 = Some(prompt_sha256);
        self.material_sha256 = Some(sha256_of(material));
    }

    /// Notes what a model replied and what it calls itself; a name is cut to a bearable length.
    pub fn note_reply(&mut self, reply: &str, model: &str) {
        self.reply_sha256 = Some(sha256_of(reply));
        self.reply = Some(reply.to_owned());
        self.model = Some(model.chars().take(80).collect());
    }
}

/// A question and what was shown for it, as the call's page lists them.
#[derive(Clone)]
pub struct GuidanceView {
    /// Its id.
    pub id: GuidanceId,
    /// Who asked.
    pub asked_by: StaffId,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// The question, in the nurse's own words.
    pub question: Private<String>,
    /// What was shown.
    pub shown: Shown,
}
