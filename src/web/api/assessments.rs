//! The assessment of a call as JSON: open, answer, sign.

use super::Body;
use crate::{
    app::App,
    domain::{
        assessment::{AssessmentPage, FieldKind, FiredWords, OverlayWords, Said},
        disposition::Disposition,
        ids::{AssessmentId, CallId, FollowUpId},
        private::Private,
        protocol::model::Status,
    },
    flows::{
        save_answers,
        sign_assessment::{self, Signing},
    },
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// The form of an assessment with what the protocol makes of it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireAssessment {
    /// Its id.
    id: AssessmentId,
    /// The revision a save or a signature must name.
    revision: i32,
    /// The protocol.
    protocol: String,
    /// Its version.
    version: String,
    /// Where the version stands; anything but `approved` is a sample.
    status: Status,
    /// The questions in the order they are asked, red flags first.
    questions: Vec<WireQuestion>,
    /// Facts of the chart for the nurse to confirm.
    facts: Vec<WireFact>,
    /// What must be confirmed on the call before help comes by the comfort path.
    confirmations: Vec<WireConfirmation>,
    /// What the protocol makes of it.
    outcome: WireOutcome,
    /// Who signed and when; null while it is a draft.
    signed: Option<WireSignature>,
}

/// One question.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireQuestion {
    /// Its id, the key of its answer.
    id: String,
    /// What to ask.
    ask: WireText,
    /// `yes_no`, `rating`, `number`, `choice`, `choices`, `date` or `words`.
    kind: &'static str,
    /// The codes that may be answered, with labels; empty for numbers, dates and words.
    options: Vec<WireOption>,
    /// Whether it belongs to the red-flag screen.
    red_flag: bool,
    /// Whether the signature waits for it.
    required: bool,
    /// The answer's code; null was not asked.
    answer: Option<String>,
}

/// A text for the nurse, and the same as it is read to the caller.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireText {
    /// For the nurse.
    english: String,
    /// For the caller.
    spoken: String,
}

/// One option of a question.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireOption {
    /// Its code.
    code: String,
    /// What it says.
    label: String,
}

/// A fact of the chart.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireFact {
    /// Its id.
    id: String,
    /// What it says.
    label: String,
    /// What the chart says; null is not known.
    chart: Option<bool>,
    /// What the nurse confirmed; only this counts.
    confirmed: Option<bool>,
}

/// Something to confirm on the call.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireConfirmation {
    /// Its id.
    id: String,
    /// What is confirmed.
    label: String,
    /// Whether it was.
    given: bool,
}

/// What the protocol makes of the answers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireOutcome {
    /// What happens next; null while nothing has fired.
    disposition: Option<Disposition>,
    /// Whether a red flag holds: stop asking and read the script.
    ends_questions: bool,
    /// What to say now, when a red flag holds.
    script: Option<WireText>,
    /// Red flags that hold.
    red_flags: Vec<WireFired>,
    /// Other rules that hold.
    rules: Vec<WireFired>,
    /// Rules that cannot be decided yet.
    undecided: Vec<String>,
    /// Why it is not lower, when red flags were not asked.
    floor: Option<String>,
    /// Red flags that were not asked.
    unanswered_red_flags: Vec<String>,
    /// Questions the signature waits for.
    missing_required: Vec<String>,
    /// Whether help comes by the comfort path; null when no plan is concerned.
    comfort_path: Option<bool>,
    /// Who is told, in order.
    escalation: Vec<String>,
    /// Advice to read to the caller.
    care_advice: Vec<WireText>,
}

/// A rule that fired.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireFired {
    /// Its id.
    rule: String,
    /// What it means.
    title: String,
    /// Its level.
    disposition: Disposition,
    /// The answers and facts that fired it.
    because: Vec<String>,
    /// What it rests on, as cited.
    basis: Vec<String>,
}

/// A signature.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireSignature {
    /// Who.
    by: String,
    /// When.
    at: DateTime<Utc>,
    /// What happens next.
    disposition: Disposition,
    /// What was agreed with the caller.
    agreed_plan: String,
}

/// Answers to be saved. What is not named stays as it is.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Filled {
    /// The revision they were made from.
    revision: i32,
    /// Codes by question; an empty list is "not asked".
    #[serde(default)]
    answers: BTreeMap<String, Vec<String>>,
    /// What the nurse confirmed, by fact; null is "not known".
    #[serde(default)]
    facts: BTreeMap<String, Option<bool>>,
    /// Everything that is confirmed on the call now.
    #[serde(default)]
    confirmed: Vec<String>,
}

/// What is signed.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Signature {
    /// The revision that was read.
    revision: i32,
    /// What happens next.
    disposition: Disposition,
    /// Why it is less urgent than what the protocol found.
    #[serde(default)]
    override_reason: Option<String>,
    /// What was agreed with the caller.
    #[serde(default)]
    agreed_plan: String,
}

/// What a signature brought about.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireSigned {
    /// The assessment.
    assessment: AssessmentId,
    /// What happens next.
    disposition: Disposition,
    /// The work that is owed now.
    follow_up: FollowUpId,
    /// When somebody must have acted.
    due_at: DateTime<Utc>,
}

/// Opens the assessment of a call; the first who opens it begins it.
///
/// # Errors
/// 404 when there is no such call, 422 when its protocol has no version in use.
#[utoipa::path(get, path = "/api/calls/{id}/assessment", tag = "assessments", params(("id" = CallId, Path)),
    responses((status = 200, body = WireAssessment), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn open(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
) -> Result<Json<WireAssessment>, Failure> {
    Ok(Json(save_answers::open(&app, &person.actor, id).await?.into()))
}

/// Saves answers: all of them or none.
///
/// # Errors
/// 422 names the first that cannot be taken, 409 when somebody saved since `revision`.
#[utoipa::path(post, path = "/api/calls/{id}/assessment", tag = "assessments", params(("id" = CallId, Path)),
    request_body = Filled,
    responses((status = 200, body = WireAssessment), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn save(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
    Body(body): Body<Filled>,
) -> Result<Json<WireAssessment>, Failure> {
    let answers = body.answers.into_iter().flat_map(|(question, codes)| {
        // The empty field names the question, so that an empty list clears it.
        std::iter::once((question.clone(), String::new()))
            .chain(codes.into_iter().map(move |code| (question.clone(), code)))
    });
    let facts = body.facts.into_iter().map(|(fact, value)| {
        let word = match value {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        (fact, word.to_owned())
    });
    let page =
        save_answers::save(&app, &person.actor, id, body.revision, answers.collect(), facts.collect(), body.confirmed);
    Ok(Json(page.await?.into()))
}

/// Signs the assessment; its follow-up opens in the same transaction.
///
/// # Errors
/// 422 says what must be done first, 409 when it was saved since or is signed.
#[utoipa::path(post, path = "/api/calls/{id}/assessment/sign", tag = "assessments", params(("id" = CallId, Path)),
    request_body = Signature,
    responses((status = 200, body = WireSigned), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn sign(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
    Body(body): Body<Signature>,
) -> Result<Json<WireSigned>, Failure> {
    let signing = Signing {
        revision: body.revision,
        disposition: body.disposition,
        override_reason: body.override_reason.map(Private::new),
        agreed_plan: Private::new(body.agreed_plan),
    };
    let signed = sign_assessment::sign(&app, &person.actor, id, signing).await?;
    Ok(Json(WireSigned {
        assessment: signed.assessment,
        disposition: signed.disposition,
        follow_up: signed.follow_up,
        due_at: signed.due_at,
    }))
}

impl From<Said> for WireText {
    fn from(said: Said) -> Self {
        Self { english: said.english, spoken: said.spoken }
    }
}

impl From<FiredWords> for WireFired {
    fn from(fired: FiredWords) -> Self {
        Self {
            rule: fired.rule,
            title: fired.title,
            disposition: fired.disposition,
            because: fired.because,
            basis: fired.basis,
        }
    }
}

impl From<AssessmentPage> for WireAssessment {
    fn from(page: AssessmentPage) -> Self {
        let outcome = page.outcome;
        Self {
            id: page.id,
            revision: page.revision,
            protocol: page.protocol.id,
            version: page.protocol.version,
            status: page.protocol.status,
            questions: page
                .questions
                .into_iter()
                .map(|asked| WireQuestion {
                    id: asked.id,
                    ask: asked.ask.into(),
                    kind: kind_word(&asked.kind),
                    options: options(asked.kind),
                    red_flag: asked.red_flag,
                    required: asked.required,
                    answer: asked.answer.map(|given| given.code),
                })
                .collect(),
            facts: page
                .facts
                .into_iter()
                .map(|fact| WireFact { id: fact.id, label: fact.label, chart: fact.chart, confirmed: fact.confirmed })
                .collect(),
            confirmations: page
                .confirmations
                .into_iter()
                .map(|need| WireConfirmation { id: need.id, label: need.label, given: need.given })
                .collect(),
            outcome: WireOutcome {
                disposition: outcome.disposition,
                ends_questions: outcome.ends_questions,
                script: outcome.script.map(WireText::from),
                red_flags: outcome.red_flags.into_iter().map(WireFired::from).collect(),
                rules: outcome.rules.into_iter().map(WireFired::from).collect(),
                undecided: outcome.undecided.into_iter().map(|rule| rule.rule).collect(),
                floor: outcome.floor,
                unanswered_red_flags: outcome.unanswered_red_flags,
                missing_required: outcome.missing_required,
                comfort_path: outcome.overlay.map(|overlay| matches!(overlay, OverlayWords::Remapped)),
                escalation: outcome.escalation,
                care_advice: outcome.care_advice.into_iter().map(WireText::from).collect(),
            },
            signed: page.signed.map(|signature| WireSignature {
                by: signature.by_name,
                at: signature.at,
                disposition: signature.disposition,
                agreed_plan: signature.agreed_plan.into_revealed(),
            }),
        }
    }
}

const fn kind_word(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::YesNo => "yes_no",
        FieldKind::Rating(_) => "rating",
        FieldKind::Number { .. } => "number",
        FieldKind::Choice(_) => "choice",
        FieldKind::Choices(_) => "choices",
        FieldKind::Date => "date",
        FieldKind::Words => "words",
    }
}

fn options(kind: FieldKind) -> Vec<WireOption> {
    let option = |code: &str, label: &str| WireOption { code: code.to_owned(), label: label.to_owned() };
    match kind {
        FieldKind::YesNo => vec![option("yes", "Yes"), option("no", "No")],
        FieldKind::Rating(steps) => steps.iter().map(|step| option(step, step)).collect(),
        FieldKind::Choice(list) | FieldKind::Choices(list) => {
            list.into_iter().map(|(code, said)| WireOption { code, label: said.english }).collect()
        }
        FieldKind::Number { .. } | FieldKind::Date | FieldKind::Words => Vec::new(),
    }
}
