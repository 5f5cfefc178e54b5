//! What a protocol is, once it has been read without a fault. It is only made by `read_package`, so whoever holds one
//! knows that every name in it resolves and every comparison fits its question.

use super::{
    decimal::Decimal,
    expression::{Computation, Expression},
    plan::{CareAdvice, FollowUpClock, Overlay, Reference, Step},
};
use crate::domain::disposition::Disposition;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The logic of a protocol: no display text, no order of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Who it is, for whom, since when.
    pub header: Header,
    /// Facts of the chart it may read.
    pub facts: Vec<Fact>,
    /// What is asked, red flags of the universal screen first, then its own, then the rest.
    pub questions: Vec<Question>,
    /// Values made of others.
    pub computed: BTreeMap<String, Computation>,
    /// Red flags and rules; every one that holds is kept, the most urgent wins.
    pub rules: Vec<Rule>,
    /// What an unanswered red flag means at least.
    pub floor: Disposition,
    /// Where help comes from under a comfort-only plan.
    pub overlay: Option<Overlay>,
    /// Advice read to the caller.
    pub care_advice: Vec<CareAdvice>,
    /// Who is told, and what when they do not answer.
    pub escalation: BTreeMap<Disposition, Vec<Step>>,
    /// When somebody looks again.
    pub follow_up: BTreeMap<Disposition, FollowUpClock>,
    /// What it rests on.
    pub references: Vec<Reference>,
}

impl Protocol {
    /// A question by id.
    #[must_use]
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// A rule or red flag by id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// Who a protocol is, for whom, since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its id, such as `dyspnea`.
    pub id: String,
    /// Its semantic version.
    pub version: Version,
    /// Where it stands.
    pub status: Status,
    /// The text key of its title.
    pub title: String,
    /// First day it may run.
    pub effective_from: NaiveDate,
    /// First day it may no longer run.
    pub effective_until: Option<NaiveDate>,
    /// When its evidence must be looked at again.
    pub review_due: NaiveDate,
    /// Countries it was written for.
    pub jurisdictions: Vec<String>,
    /// Who must sign before it may run on real patients.
    pub sign_off: SignOff,
}

/// A semantic version; versions sort by number, never as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// Grows when any disposition can become less urgent.
    pub major: u32,
    /// Grows with new content.
    pub minor: u32,
    /// Grows with corrections.
    pub patch: u32,
}

impl Version {
    /// Reads `1.2.0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse::<u32>().ok().filter(|_| !part.starts_with('+')));
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()?? };
        (parts.next().is_none() && version.to_string() == text).then_some(version)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Where a protocol stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being written; a sample.
    Draft,
    /// With its reviewers.
    InReview,
    /// Signed.
    Approved,
    /// No longer to be used.
    Retired,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Draft, Self::InReview, Self::Approved, Self::Retired];

    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Retired => "retired",
        }
    }
}

/// Who must sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOff {
    /// Roles, such as `medical_director`.
    pub required_roles: Vec<String>,
    /// How many different people.
    pub min_distinct_people: u32,
}

/// A yes-or-no fact of the chart that the nurse confirms before it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its id.
    pub id: String,
    /// Where the chart keeps it.
    pub source: FactSource,
}

/// Where the chart keeps a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactSource {
    /// Goals of care.
    GoalsOfCare,
    /// Phase of illness.
    PhaseOfIllness,
    /// Orders.
    Orders,
}

impl FactSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::GoalsOfCare, Self::PhaseOfIllness, Self::Orders];

    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::GoalsOfCare => "goals_of_care",
            Self::PhaseOfIllness => "phase_of_illness",
            Self::Orders => "orders",
        }
    }
}

/// One thing asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// What an answer may be.
    pub kind: QuestionKind,
    /// The text key of what is asked.
    pub ask: String,
    /// Whether it belongs to the red-flag screen.
    pub red_flag: bool,
    /// Whether it comes from the universal screen that every protocol inherits.
    pub universal: bool,
    /// Whether the call may close without it.
    pub optional: bool,
    /// Which way urgency goes.
    pub direction: Direction,
    /// When it is asked at all; `None` is always.
    pub enable_when: Option<Expression>,
    /// Who may answer, as the file says.
    pub informants: Vec<String>,
    /// Codes by system, such as `loinc`.
    pub codes: BTreeMap<String, String>,
}

/// Which way urgency goes as a number grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A greater number is never less urgent.
    HigherWorse,
    /// A smaller number is never less urgent.
    LowerWorse,
    /// Neither: a baseline, a choice, a text.
    Neither,
}

/// What an answer may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuestionKind {
    /// Yes or no.
    YesNo,
    /// A whole number on a rating scale, both ends included.
    Rating {
        /// The least.
        from: Decimal,
        /// The greatest.
        to: Decimal,
    },
    /// A whole number.
    Whole(Measure),
    /// A number with decimals.
    Number(Measure),
    /// A length of time, in the measure's unit.
    Duration(Measure),
    /// One of the options.
    Choice(Vec<String>),
    /// Some of the options.
    Choices(Vec<String>),
    /// A day, written 2026-11-21.
    Date,
    /// Words.
    Words,
}

impl QuestionKind {
    /// The word in the file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::YesNo => "boolean",
            Self::Rating { .. } => "nrs",
            Self::Whole(_) => "integer",
            Self::Number(_) => "decimal",
            Self::Duration(_) => "duration",
            Self::Choice(_) => "choice",
            Self::Choices(_) => "multi_choice",
            Self::Date => "date",
            Self::Words => "text",
        }
    }

    /// The numbers it may be, both ends included; `None` when it is not a number.
    #[must_use]
    pub const fn bounds(&self) -> Option<(Decimal, Decimal)> {
        match self {
            Self::Rating { from, to } => Some((*from, *to)),
            Self::Whole(measure) | Self::Number(measure) | Self::Duration(measure) => Some(measure.plausible),
            Self::YesNo | Self::Choice(_) | Self::Choices(_) | Self::Date | Self::Words => None,
        }
    }
}

/// What numbers make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// UCUM unit.
    pub unit: String,
    /// Outside of it an answer is refused.
    pub plausible: (Decimal, Decimal),
    /// Outside of it the nurse is asked to make sure.
    pub confirm_outside: Option<(Decimal, Decimal)>,
}

/// Whether a rule belongs to the red flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// One that holds ends the questions and shows the script.
    RedFlag,
    /// Any other.
    Rule,
}

/// One condition and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Red flag or not.
    pub kind: RuleKind,
    /// Whether it comes from the universal screen.
    pub universal: bool,
    /// When it fires.
    pub when: Expression,
    /// What happens next, at least.
    pub disposition: Disposition,
    /// What it rests on: ids of references.
    pub basis: Vec<String>,
    /// Another protocol to ask as well.
    pub also_run: Option<String>,
    /// Whether a comfort-only plan may change where help comes from.
    pub overlay: OverlayRight,
}

/// Whether a comfort-only plan may change where help comes from. Causes that are usually treated even then (choking,
/// a seizure) stay with emergency services until the clinician who signs says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlayRight {
    /// It may.
    Allowed,
    /// It may not.
    NotAllowed,
}
