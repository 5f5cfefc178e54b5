//! A protocol as it travels: logic, texts, citable passages and tests, all under one hash.

use super::{evaluate::Inputs, model::Protocol};
use crate::domain::{disposition::Disposition, people::Language};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A protocol with its texts, passages and tests.
#[derive(Clone, Debug)]
pub struct Package {
    /// The logic.
    pub protocol: Protocol,
    /// Display texts by language and key.
    pub texts: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// Citable paragraphs of `guidance.md`, in order.
    pub passages: Vec<Passage>,
    /// The tests that travel with it.
    pub scenarios: Vec<Scenario>,
    /// SHA-256 over the canonical form of every file but the approvals.
    pub sha256: [u8; 32],
    /// Every file it was read from, the universal screen included, so that a stored version needs nothing else.
    pub files: BTreeMap<String, String>,
}

impl Package {
    /// A display text; English when the language lacks it, the key itself when both do.
    #[must_use]
    pub fn text<'p>(&'p self, language: Language, key: &'p str) -> &'p str {
        [language, Language::English]
            .into_iter()
            .find_map(|language| self.texts.get(language.tag())?.get(key))
            .map_or(key, String::as_str)
    }

    /// What a question asks, in English; its id when there is no such question.
    #[must_use]
    pub fn question_text<'p>(&'p self, id: &'p str) -> &'p str {
        self.protocol.question(id).map_or(id, |question| self.text(Language::English, &question.ask))
    }
}

/// One citable paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Its stable name, such as `dys-001`.
    pub anchor: String,
    /// The heading it stands under.
    pub heading: String,
    /// Its words, on one line, without anchor and tags.
    pub text: String,
    /// What a reader must know before using it.
    pub tags: BTreeSet<String>,
}

/// One test: inputs and what must come of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// Answers, facts and confirmations.
    pub inputs: Inputs,
    /// What must come of them.
    pub expect: Expected,
}

/// What must come of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Exactly this level.
    pub disposition: Option<Disposition>,
    /// These fired.
    pub fired: Vec<String>,
    /// These did not.
    pub not_fired: Vec<String>,
    /// These red flags are shown.
    pub shown_red_flags: Vec<String>,
}

/// One thing wrong with a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fault {
    /// The file it is in.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// A stable code, such as `unknown-operator`.
    pub rule: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}, {}: {}", self.file, self.rule, self.message),
            None => write!(f, "{}, {}: {}", self.file, self.rule, self.message),
        }
    }
}
