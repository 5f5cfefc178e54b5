//! Quoted guidance: which passages answer a question, what of a model's draft may be shown, and what is said when
//! nothing may. Keeps promise 4 (guidance quotes or stays silent): a statement is shown only if it is a piece of a
//! sentence of a passage retrieved for this question, next to the whole sentence it came from.

pub mod again;
pub mod choose;
pub mod evidence;
pub mod extract;
mod lexicon;
pub mod prompt;
pub mod scope;
pub mod scrub;
pub mod text;
pub mod verify;

pub use evidence::GuidanceView;
use serde::{Deserialize, Serialize};

/// The tag of passages that hold only for a patient with such an order; never advice.
pub const ORDER_ONLY_TAG: &str = "patient_specific_order_only";

/// Tags of passages whose use depends on a fact of the patient, whether it is known or not.
const CONDITIONAL_TAGS: [&str; 9] = [
    "actively_dying",
    "home_oxygen",
    "immunosuppression",
    "interaction",
    "renal_or_hepatic",
    "allergy",
    "low_platelets",
    "pregnancy",
    "age",
];

/// Longest question, in characters.
pub const QUESTION_MOST: usize = 500;

/// One citable paragraph of a protocol version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Its anchor, unique within the protocol version.
    pub anchor: String,
    /// The heading it stands under.
    pub heading: String,
    /// Its text, as it was imported.
    pub text: String,
    /// What it is marked with, such as `patient_specific_order_only`.
    pub tags: Vec<String>,
    /// SHA-256 of its text.
    pub sha256: Vec<u8>,
    /// What a reader must know about it, from its version's state.
    pub standing: Standing,
}

impl Passage {
    /// Whether it holds only for a patient with such an order.
    #[must_use]
    pub fn is_order_only(&self) -> bool {
        self.tags.iter().any(|tag| tag == ORDER_ONLY_TAG)
    }

    /// The warning it is shown with.
    #[must_use]
    pub fn badge(&self) -> Option<Badge> {
        if self.is_order_only() {
            return Some(Badge::OrderOnly);
        }
        if self.tags.iter().any(|tag| CONDITIONAL_TAGS.contains(&tag.as_str())) {
            return Some(Badge::CheckFirst);
        }
        match self.standing {
            Standing::Unsigned => Some(Badge::Unsigned),
            Standing::Approved => None,
        }
    }
}

/// Where the protocol version of a passage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Approved by the people its sign-off names.
    Approved,
    /// A sample or draft nobody has signed.
    Unsigned,
}

impl Standing {
    /// The standing of a package's status; `None` for one whose passages may not be shown at all.
    #[must_use]
    pub fn of_status(status: &str) -> Option<Self> {
        match status {
            "approved" => Some(Self::Approved),
            "draft" | "in_review" => Some(Self::Unsigned),
            _ => None,
        }
    }
}

/// A fixed warning on a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    /// Holds only for a patient with such an order.
    OrderOnly,
    /// Depends on a fact of the patient.
    CheckFirst,
    /// Nobody has signed this version.
    Unsigned,
}

impl Badge {
    /// What a person reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OrderOnly => {
                "Not advice: holds only if this patient has a signed order that says so. Read the order first."
            }
            Self::CheckFirst => "Depends on this patient: check the chart for what this passage is marked with.",
            Self::Unsigned => "Sample text: no clinical lead has signed this version.",
        }
    }
}

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With statements, each quoted.
    Quoted,
    /// Not at all, with the reason and whom to ask.
    Refused,
    /// With the passages themselves, because no statement could be shown.
    PassagesOnly,
}

impl Outcome {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Refused => "refused",
            Self::PassagesOnly => "passages_only",
        }
    }
}

/// Exactly what the nurse sees; stored as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Shown {
    /// How the question was answered.
    pub outcome: Outcome,
    /// The answer; empty unless the outcome is `quoted`.
    pub statements: Vec<Statement>,
    /// The passages found for the question, best first.
    pub passages: Vec<ShownPassage>,
    /// What to know before reading: why there is no answer, or why it is only passages.
    pub banner: Option<String>,
    /// Whom to ask instead.
    pub whom_to_ask: Option<String>,
    /// Where the passages come from.
    pub protocol: ProtocolRef,
}

/// A protocol version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProtocolRef {
    /// The protocol, such as `dyspnea`.
    pub id: String,
    /// Its version (semantic versioning).
    pub version: String,
}

/// One statement of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Statement {
    /// Its words, every one of them out of its quote.
    pub text: String,
    /// The whole sentences it was taken from.
    pub quotes: Vec<Quote>,
}

/// A verbatim span of a passage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quote {
    /// The passage's anchor.
    pub anchor: String,
    /// The heading it stands under.
    pub heading: String,
    /// The words, whole sentences, verbatim but for white space and the shape of quotation marks and dashes.
    pub span: String,
}

/// A passage as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShownPassage {
    /// Its anchor.
    pub anchor: String,
    /// The heading it stands under.
    pub heading: String,
    /// Its text.
    pub text: String,
    /// What it is marked with.
    pub tags: Vec<String>,
    /// The warning it must be shown with.
    pub badge: Option<Badge>,
}

impl From<&Passage> for ShownPassage {
    fn from(passage: &Passage) -> Self {
        Self {
            anchor: passage.anchor.clone(),
            heading: passage.heading.clone(),
            text: text::normalise(&passage.text),
            tags: passage.tags.clone(),
            badge: passage.badge(),
        }
    }
}

/// Why a question got no answer at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No passage of the protocol speaks to it.
    NothingRelevant,
    /// It asks to compute, convert or combine doses.
    DoseArithmetic,
    /// It asks how long somebody will live.
    Prognosis,
    /// It asks what somebody has.
    Diagnosis,
    /// It asks about the law.
    Legal,
}

impl Refusal {
    /// What a person reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NothingRelevant => "The protocol does not say. No passage of it speaks to this question.",
            Self::DoseArithmetic => "Careline does not compute, convert or change doses.",
            Self::Prognosis => "Careline does not estimate how long somebody will live.",
            Self::Diagnosis => "Careline does not say what is wrong with a patient.",
            Self::Legal => "Careline does not answer questions of law.",
        }
    }

    /// Whom to ask instead.
    #[must_use]
    pub const fn whom_to_ask(self) -> &'static str {
        match self {
            Self::NothingRelevant => "the clinician on call, or your nursing lead",
            Self::DoseArithmetic => "the prescriber, or the pharmacist on call",
            Self::Prognosis => "the patient's palliative-care physician",
            Self::Diagnosis => "the clinician on call",
            Self::Legal => "your medical director, or the organization's legal counsel",
        }
    }
}

impl Shown {
    /// A refusal: nothing is quoted, somebody is named.
    #[must_use]
    pub fn refused(refusal: Refusal, protocol: ProtocolRef) -> Self {
        let banner = format!("{} Searched: {} {}.", refusal.words(), protocol.id, protocol.version);
        Self {
            outcome: Outcome::Refused,
            statements: Vec::new(),
            passages: Vec::new(),
            banner: Some(banner),
            whom_to_ask: Some(refusal.whom_to_ask().to_owned()),
            protocol,
        }
    }

    /// The passages themselves, with the reason why there is no statement.
    #[must_use]
    pub fn passages_only<'a>(
        why: WhyPassages,
        passages: impl IntoIterator<Item = &'a Passage>,
        protocol: ProtocolRef,
    ) -> Self {
        Self {
            outcome: Outcome::PassagesOnly,
            statements: Vec::new(),
            passages: passages.into_iter().map(ShownPassage::from).collect(),
            banner: Some(why.words().to_owned()),
            whom_to_ask: Some(Refusal::NothingRelevant.whom_to_ask().to_owned()),
            protocol,
        }
    }

    /// Statements that passed, with the passages behind them; the passages alone when there is none.
    #[must_use]
    pub fn quoted<'a>(
        statements: Vec<Statement>,
        why_not: WhyPassages,
        passages: impl IntoIterator<Item = &'a Passage>,
        protocol: ProtocolRef,
    ) -> Self {
        if statements.is_empty() {
            return Self::passages_only(why_not, passages, protocol);
        }
        Self {
            outcome: Outcome::Quoted,
            statements,
            passages: passages.into_iter().map(ShownPassage::from).collect(),
            banner: None,
            whom_to_ask: None,
            protocol,
        }
    }
}

/// Why passages are shown without a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyPassages {
    /// The model is away, slow or throttled.
    ModelAway,
    /// The model's reply could not be read.
    ModelGarbled,
    /// Not one of the model's statements is in the passages.
    NothingSupported,
    /// The model said that the passages do not answer the question.
    ModelAbstained,
    /// Every passage found holds only for a patient with such an order.
    OrdersOnly,
}

impl WhyPassages {
    /// What a person reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ModelAway => {
                "The model is not answering. These are the passages of the protocol nearest to the question."
            }
            Self::ModelGarbled => {
                "The model's reply could not be read. These are the passages of the protocol nearest to the question."
            }
            Self::NothingSupported => {
                "The model's reply was withheld: it is not in the protocol's words. These are the passages themselves."
            }
            Self::ModelAbstained => "The model found no answer in these passages. Read them yourself.",
            Self::OrdersOnly => "Only passages that need an order of this patient were found.",
        }
    }
}
