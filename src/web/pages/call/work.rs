//! The protocol on the page of a call: red flags first, the other questions, facts to confirm, what the protocol makes of
//! it, and the decision a nurse signs.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass the fields they show by reference")]

use crate::{
    domain::{
        assessment::{Asked, AssessmentPage, FieldKind, FiredWords, OverlayWords, Words},
        disposition::Disposition,
        ids::CallId,
        people::{Language, Role},
        protocol::model::Status,
    },
    web::pages::{icons, words},
};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// What a person typed into the form, as it came back.
#[derive(Clone, Default)]
pub struct Typed {
    /// Answers, by question; several of one name are several options.
    pub answers: Vec<(String, String)>,
    /// Facts, by name.
    pub facts: Vec<(String, String)>,
    /// What was ticked.
    pub confirmed: Vec<String>,
    /// The revision the form was made from.
    pub revision: i32,
    /// The level chosen; empty is "as the protocol says".
    pub disposition: String,
    /// Why it is less urgent.
    pub override_reason: String,
    /// What was agreed with the caller.
    pub agreed_plan: String,
}

impl Typed {
    /// Reads the fields of the form. Names it does not know are not of this form.
    #[must_use]
    pub fn read(fields: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in fields {
            match name.split_once('.') {
                Some(("a", question)) => typed.answers.push((question.to_owned(), value)),
                Some(("f", fact)) => typed.facts.push((fact.to_owned(), value)),
                Some(_) => {}
                None => match name.as_str() {
                    "confirmed" => typed.confirmed.push(value),
                    "revision" => typed.revision = value.parse().unwrap_or(-1),
                    "disposition" => typed.disposition = value,
                    "override_reason" => typed.override_reason = value,
                    "agreed_plan" => typed.agreed_plan = value,
                    _ => {}
                },
            }
        }
        typed
    }

    fn answer(&self, question: &str) -> Option<String> {
        let of: Vec<&str> =
            self.answers.iter().filter(|(id, _)| id == question).map(|(_, text)| text.as_str()).collect();
        (!of.is_empty()).then(|| of.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(","))
    }
}

/// Why the form came back.
#[derive(Clone)]
pub enum Back {
    /// An answer cannot be taken: nothing was stored and everything typed stands in its field.
    Refused(String),
    /// Somebody saved since: what is stored stands in the fields, what was typed is named beside them.
    MovedOn(String),
    /// It was saved but cannot be signed yet.
    Unsigned(String),
}

/// The protocol of a call.
#[derive(Template)]
#[template(path = "parts/work.html")]
pub struct WorkPart {
    call: CallId,
    page: AssessmentPage,
    decision: DecisionPart,
    red_flags: Vec<QuestionView>,
    others: Vec<QuestionView>,
    facts: Vec<FactView>,
    confirmations: Vec<(String, String, bool)>,
    typed: Typed,
    whole_fault: Option<String>,
    sign_fault: Option<String>,
    may_write: bool,
    now: DateTime<Utc>,
    zone: Tz,
}

/// What the protocol makes of it, alone: swapped after each save.
#[derive(Template)]
#[template(path = "parts/decision.html")]
pub struct DecisionPart {
    outcome: Words,
    revision: i32,
    spoken: Option<&'static str>,
}

/// One question as the form shows it.
struct QuestionView {
    asked: Asked,
    spoken: Option<String>,
    value: String,
    fault: Option<String>,
    unsaved: Option<String>,
}

/// One fact as the form shows it.
struct FactView {
    id: String,
    label: String,
    chart: &'static str,
    value: &'static str,
}

impl QuestionView {
    fn has(&self, option: &str) -> bool {
        self.value.split(',').any(|chosen| chosen == option)
    }

    /// Whether question and answers fit on one line of a wide screen.
    const fn is_short(&self) -> bool {
        matches!(self.asked.kind, FieldKind::YesNo | FieldKind::Number { .. } | FieldKind::Date)
    }

    fn should_confirm(&self) -> bool {
        self.fault.is_none() && self.asked.answer.as_ref().is_some_and(|given| given.should_confirm)
    }
}

impl DecisionPart {
    /// From the assessment as it was read.
    #[must_use]
    pub fn of(page: &AssessmentPage) -> Self {
        let spoken = (page.language != Language::English).then(|| words::language(&page.language));
        Self { outcome: page.outcome.clone(), revision: page.revision, spoken }
    }

    fn is_urgent(&self) -> bool {
        self.outcome.disposition.is_some_and(|level| level >= Disposition::Clinician1h)
    }

    fn look_again(&self) -> Option<String> {
        self.outcome.follow_up_within_minutes.map(|minutes| match minutes {
            minutes if minutes >= 2_880 => format!("{} days", minutes / 1_440),
            minutes if minutes >= 120 => format!("{} hours", minutes / 60),
            minutes => format!("{minutes} minutes"),
        })
    }

    /// Red flags not asked, questions the signature waits for, rules undecided.
    fn open_points(&self) -> usize {
        let required = if self.outcome.ends_questions { 0 } else { self.outcome.missing_required.len() };
        self.outcome.unanswered_red_flags.len() + required + self.outcome.undecided.len()
    }

    fn has_steps(&self) -> bool {
        !self.outcome.care_advice.is_empty()
            || !self.outcome.withheld_advice.is_empty()
            || self.outcome.safety_net.is_some()
            || (!self.outcome.escalation.is_empty() && !self.outcome.ends_questions)
    }

    fn fired(&self) -> impl Iterator<Item = (&'static str, &'static str, &FiredWords)> {
        let red = self.outcome.red_flags.iter().map(|fired| ("red", icons::WARN, fired));
        red.chain(self.outcome.rules.iter().map(|fired| ("", icons::CHECK, fired)))
    }
}

impl WorkPart {
    /// From the assessment as it was read, with what came back if a form did.
    #[must_use]
    pub fn of(
        page: AssessmentPage,
        role: Option<Role>,
        now: DateTime<Utc>,
        zone: Tz,
        back: Option<(Typed, Option<Back>)>,
    ) -> Self {
        let (typed, back) = back.unwrap_or_default();
        let faults = match &back {
            Some(Back::Refused(text)) => at_questions(text),
            Some(Back::MovedOn(_) | Back::Unsigned(_)) | None => BTreeMap::new(),
        };
        let view = |asked: &Asked| question(asked, page.language, &typed, back.as_ref(), &faults);
        let red_flags = page.questions.iter().filter(|asked| asked.red_flag).map(view).collect();
        let others = page.questions.iter().filter(|asked| !asked.red_flag).map(view).collect();
        let (whole_fault, sign_fault) = match back {
            Some(Back::Refused(text)) if faults.is_empty() => (Some(text), None),
            Some(Back::Refused(_)) => {
                (Some("One answer cannot be taken; it is marked below. Nothing was lost.".to_owned()), None)
            }
            Some(Back::MovedOn(text)) => (Some(text), None),
            Some(Back::Unsigned(text)) => (None, Some(text)),
            None => (None, None),
        };
        Self {
            call: page.call,
            decision: DecisionPart::of(&page),
            red_flags,
            others,
            facts: facts(&page),
            confirmations: page
                .confirmations
                .iter()
                .map(|need| (need.id.clone(), need.label.clone(), need.given))
                .collect(),
            typed,
            whole_fault,
            sign_fault,
            may_write: page.signed.is_none() && matches!(role, Some(Role::Nurse | Role::Physician)),
            now,
            zone,
            page,
        }
    }

    /// What the protocol makes of it; it stands beside the form.
    #[must_use]
    pub const fn decision(&self) -> &DecisionPart {
        &self.decision
    }

    fn sample(&self) -> bool {
        self.page.protocol.status != Status::Approved
    }

    fn is_chosen(&self, level: &Disposition) -> bool {
        self.typed.disposition == level.code()
    }
}

fn question(
    asked: &Asked,
    language: Language,
    typed: &Typed,
    back: Option<&Back>,
    faults: &BTreeMap<String, String>,
) -> QuestionView {
    let stored = asked.answer.as_ref().map(|given| given.code.clone()).unwrap_or_default();
    let entered = typed.answer(&asked.id);
    let (value, unsaved) = match back {
        Some(Back::Refused(_)) => (entered.unwrap_or(stored), None),
        Some(Back::MovedOn(_)) => {
            let differs = entered.filter(|entered| *entered != stored);
            (stored, differs.map(|entered| if entered.is_empty() { "not answered".to_owned() } else { entered }))
        }
        Some(Back::Unsigned(_)) | None => (stored, None),
    };
    QuestionView {
        spoken: (language != Language::English).then(|| asked.ask.spoken.clone()),
        fault: faults.get(&asked.id).cloned(),
        asked: asked.clone(),
        value,
        unsaved,
    }
}

fn facts(page: &AssessmentPage) -> Vec<FactView> {
    page.facts
        .iter()
        .map(|fact| FactView {
            id: fact.id.clone(),
            label: fact.label.clone(),
            chart: words::fact(fact.chart),
            value: match fact.confirmed {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            },
        })
        .collect()
}

/// The fault at its question, from a refusal such as ``Question `spo2`: write a number``.
fn at_questions(text: &str) -> BTreeMap<String, String> {
    let found = text.strip_prefix("Question `").and_then(|rest| rest.split_once("`: "));
    found.map(|(id, fault)| (id.to_owned(), sentence(fault))).into_iter().collect()
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
