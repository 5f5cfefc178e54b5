//! The form of an assessment, ready to be shown: red flags first, every question in English and in the caller's
//! language, what was answered, and what the protocol makes of it.

use super::{
    Assessment, Signature,
    words::{Said, Teller, Words, unit_words, words},
};
use crate::domain::{
    ids::{AssessmentId, CallId, PatientId},
    people::{ChartFacts, Language},
    protocol::{
        Package,
        answer::Answer,
        model::{FactSource, Question, QuestionKind, Status},
    },
};

/// The form of an assessment.
#[derive(Clone)]
pub struct AssessmentPage {
    /// Its id.
    pub id: AssessmentId,
    /// The call it belongs to.
    pub call: CallId,
    /// Whom it is about.
    pub patient: PatientId,
    /// The revision a form made from this page must name.
    pub revision: i32,
    /// The protocol version it is pinned to.
    pub protocol: Pinned,
    /// The language the caller speaks.
    pub language: Language,
    /// Facts of the chart for the nurse to confirm.
    pub facts: Vec<FactAsked>,
    /// The questions in the order they are asked: universal red flags, the protocol's own, then the rest.
    pub questions: Vec<Asked>,
    /// What must be confirmed on the call for the goals-of-care overlay.
    pub confirmations: Vec<Confirmation>,
    /// What the protocol makes of it.
    pub outcome: Words,
    /// The signature; `None` while it is a draft.
    pub signed: Option<Signature>,
}

/// The protocol version an assessment is pinned to.
#[derive(Clone)]
pub struct Pinned {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Where it stands: anything but approved is a sample.
    pub status: Status,
    /// The first twelve digits of its hash.
    pub fingerprint: String,
}

/// A fact of the chart for the nurse to confirm.
#[derive(Clone)]
pub struct FactAsked {
    /// Its id.
    pub id: String,
    /// What it says.
    pub label: String,
    /// What the chart says; `None` is not known.
    pub chart: Option<bool>,
    /// What the nurse confirmed; only this counts.
    pub confirmed: Option<bool>,
}

/// Something to confirm on the call.
#[derive(Clone)]
pub struct Confirmation {
    /// Its id.
    pub id: String,
    /// What is confirmed.
    pub label: String,
    /// Whether it was.
    pub given: bool,
}

/// One question.
#[derive(Clone)]
pub struct Asked {
    /// Its id, the name of the form field.
    pub id: String,
    /// What to ask.
    pub ask: Said,
    /// How it is answered.
    pub kind: FieldKind,
    /// Whether it belongs to the red-flag screen.
    pub red_flag: bool,
    /// Whether the signature waits for it.
    pub required: bool,
    /// The answer; `None` was not asked.
    pub answer: Option<Given>,
}

/// An answer that was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// As the form field holds it.
    pub code: String,
    /// As a person reads it.
    pub words: String,
    /// Whether it is so unusual that the nurse should make sure.
    pub should_confirm: bool,
}

/// How a question is answered. Numbers are texts, as the form shows them.
#[derive(Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// `yes` or `no`.
    YesNo,
    /// One of these whole numbers.
    Rating(Vec<String>),
    /// A number.
    Number {
        /// The unit as written for people.
        unit: String,
        /// The least that is taken.
        from: String,
        /// The greatest that is taken.
        to: String,
    },
    /// One option: code and label.
    Choice(Vec<(String, Said)>),
    /// Some options: code and label.
    Choices(Vec<(String, Said)>),
    /// A day.
    Date,
    /// Words.
    Words,
}

/// Builds the form.
#[must_use]
pub fn page(package: &Package, assessment: &Assessment, chart: ChartFacts, language: Language) -> AssessmentPage {
    let teller = Teller { package, language };
    let protocol = &package.protocol;
    let inputs = &assessment.inputs;
    AssessmentPage {
        id: assessment.id,
        call: assessment.call,
        patient: assessment.patient,
        revision: assessment.revision,
        protocol: Pinned {
            id: assessment.protocol.clone(),
            version: assessment.version.clone(),
            title: teller.english(&protocol.header.title),
            status: protocol.header.status,
            fingerprint: hex::encode(package.sha256).chars().take(12).collect(),
        },
        language,
        facts: protocol
            .facts
            .iter()
            .map(|fact| FactAsked {
                id: fact.id.clone(),
                label: teller.asked(&fact.id),
                chart: chart_says(chart, fact.source),
                confirmed: inputs.facts.get(&fact.id).copied(),
            })
            .collect(),
        questions: protocol
            .questions
            .iter()
            .map(|question| asked(&teller, question, inputs.answers.get(&question.id)))
            .collect(),
        confirmations: protocol
            .overlay
            .iter()
            .flat_map(|overlay| &overlay.needs)
            .map(|need| Confirmation {
                id: need.clone(),
                label: teller.english(&format!("need.{need}")),
                given: inputs.confirmed.contains(need),
            })
            .collect(),
        outcome: words(package, &assessment.evaluation, language),
        signed: assessment.signed.clone(),
    }
}

const fn chart_says(chart: ChartFacts, source: FactSource) -> Option<bool> {
    match source {
        FactSource::GoalsOfCare => chart.comfort_only_plan,
        FactSource::PhaseOfIllness => chart.actively_dying,
        FactSource::Orders => chart.home_oxygen,
    }
}

fn asked(teller: &Teller, question: &Question, answer: Option<&Answer>) -> Asked {
    let given = |answer: &Answer| {
        let code = answer.code();
        Given {
            words: teller.answer_words(&question.id, &code),
            should_confirm: teller.package.protocol.should_confirm(&question.id, answer),
            code,
        }
    };
    Asked {
        id: question.id.clone(),
        ask: teller.said(&question.ask),
        kind: field(teller, question),
        red_flag: question.red_flag,
        required: !question.optional,
        answer: answer.map(given),
    }
}

fn field(teller: &Teller, question: &Question) -> FieldKind {
    let options = |options: &[String]| {
        options.iter().map(|option| (option.clone(), teller.said(&format!("opt.{}.{option}", question.id)))).collect()
    };
    match &question.kind {
        QuestionKind::YesNo => FieldKind::YesNo,
        QuestionKind::Rating { from, to } => {
            FieldKind::Rating((from.truncated()..=to.truncated()).take(101).map(|step| step.to_string()).collect())
        }
        QuestionKind::Whole(measure) | QuestionKind::Number(measure) | QuestionKind::Duration(measure) => {
            FieldKind::Number {
                unit: unit_words(&measure.unit).to_owned(),
                from: measure.plausible.0.to_string(),
                to: measure.plausible.1.to_string(),
            }
        }
        QuestionKind::Choice(list) => FieldKind::Choice(options(list)),
        QuestionKind::Choices(list) => FieldKind::Choices(options(list)),
        QuestionKind::Date => FieldKind::Date,
        QuestionKind::Words => FieldKind::Words,
    }
}
