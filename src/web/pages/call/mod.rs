//! The page of one call: brief, line, transcript, protocol, guidance. Each part renders alone too, for the live page.

pub mod brief;
pub mod check_in;
pub mod floor;
pub mod guidance;
pub mod recording;
pub mod state;
pub mod summary;
pub mod transcript;
pub mod work;

use self::{
    brief::BriefPart,
    floor::FloorPart,
    guidance::GuidancePart,
    recording::RecordingPart,
    state::StatePart,
    summary::SummaryPart,
    transcript::TranscriptPart,
    work::{Back, DecisionPart, Typed, WorkPart},
};
use super::{Frame, assets, break_glass::Banner, icons, words};
use crate::{
    app::App,
    domain::{
        assessment::AssessmentPage, call::CallState, disposition::Disposition, guidance::QUESTION_MOST, ids::CallId,
        people::Role, private::Private, reach::ReviewFinding,
    },
    error::Error,
    flows::{
        self, answer_question, cancel_call, end_call,
        open_call::{self, CallPage, Review},
        open_worklist, save_answers,
        sign_assessment::{self, Signing},
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// What the ask box sends.
#[derive(Deserialize)]
pub struct AskForm {
    question: String,
}

#[derive(Template)]
#[template(path = "call.html")]
struct CallScreen {
    frame: Frame,
    id: CallId,
    name: String,
    purpose: &'static str,
    protocol: String,
    may_ask: bool,
    may_listen: bool,
    longest_question: usize,
    asked_before: String,
    ask_fault: Option<String>,
    brief: BriefPart,
    state: StatePart,
    transcript: TranscriptPart,
    recording: Option<RecordingPart>,
    guidance: GuidancePart,
    summary: SummaryPart,
    work: Work,
    reviews: Option<ReviewsPart>,
    banner: Option<Banner>,
}

/// Reviews of the signed assessment, and whether the reader may add one.
struct ReviewsPart {
    reviews: Vec<(String, &'static str, String, String)>,
    may_review: bool,
}

impl ReviewsPart {
    fn of(page: &CallPage, person: &SignedIn) -> Option<Self> {
        let reviews = page.reviews.as_ref()?;
        let coordinates = person.0.actor.role() == Some(Role::Coordinator);
        let may_review = coordinates && reviews.iter().all(|review| review.by != person.0.full_name);
        let line = |review: &Review| {
            let at = words::moment(&review.at, &page.zone, &page.now);
            (review.by.clone(), review.finding.says(), review.remark.reveal().clone(), at)
        };
        Some(Self { reviews: reviews.iter().map(line).collect(), may_review })
    }
}

/// The protocol on the page, or why it is not there.
enum Work {
    Open(Box<WorkPart>),
    /// Nobody talks yet, and nothing was begun.
    Closed,
    /// No version of the protocol can be asked; what to do about it.
    Missing(String),
}

/// Whether a reader wants the protocol before anybody talks.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct View {
    protocol: String,
}

/// `GET /calls/{id}`.
///
/// # Errors
/// `NotFound` for a call of nobody's or another organization.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    Query(view): Query<View>,
) -> Result<Response, Failure> {
    let wish = if view.protocol == "open" { Wish::Protocol } else { Wish::Page };
    respond::page(&screen(&app, &person, id, wish).await?)
}

/// What a page of a call is rendered for.
enum Wish {
    /// The page as it stands.
    Page,
    /// The page with its protocol, whatever the call's state.
    Protocol,
    /// A question that could not be asked comes back.
    Unasked(Unasked),
    /// What was to be done with the summary could not be, and why.
    Unsettled(String),
    /// The form of the protocol comes back.
    Back(Typed, Back),
    /// The form was saved; what is not part of a draft stays as it was typed.
    Saved(Typed),
}

/// A question that could not be asked, with the reason.
struct Unasked {
    question: String,
    fault: String,
}

async fn screen(app: &App, person: &SignedIn, id: CallId, wish: Wish) -> Result<CallScreen, Error> {
    let actor = &person.0.actor;
    let page = open_call::open(app, actor, id).await?;
    let answers = answer_question::answers(app, actor, id).await?;
    let begun =
        page.begun || matches!(page.head.state, CallState::WaitingForNurse | CallState::Bridged | CallState::Done);
    let (wish, unsettled) = match wish {
        Wish::Unsettled(fault) => (Wish::Page, Some(fault)),
        wish => (wish, None),
    };
    let (unasked, back) = match wish {
        Wish::Page if !begun => (None, None),
        Wish::Page | Wish::Protocol | Wish::Unsettled(_) => (None, Some(None)),
        Wish::Unasked(unasked) => (Some(unasked), begun.then_some(None)),
        Wish::Back(typed, back) => (None, Some(Some((typed, Some(back))))),
        Wish::Saved(typed) => (None, Some(Some((typed, None)))),
    };
    let work = match back {
        None => Work::Closed,
        Some(back) => match save_answers::open(app, actor, id).await {
            Ok(assessment) => Work::Open(Box::new(WorkPart::of(assessment, actor.role(), page.now, page.zone, back))),
            Err(Error::Invalid(text)) => Work::Missing(text),
            // Urgent access begins no assessment.
            Err(Error::Forbidden) if page.urgent.is_some() => Work::Closed,
            Err(error) => return Err(error),
        },
    };
    let state = state(app, person, &page).await?;
    let name = page.brief.name.reveal().clone();
    let (asked_before, ask_fault) = unasked.map(|unasked| (unasked.question, Some(unasked.fault))).unwrap_or_default();
    Ok(CallScreen {
        frame: Frame::of(person, format!("Call with {name}"), "/today"),
        id,
        name,
        purpose: words::purpose(&page.head.purpose),
        protocol: words::plain(&page.head.protocol),
        may_ask: matches!(actor.role(), Some(Role::Nurse | Role::Physician)),
        may_listen: may_listen(&page, person),
        longest_question: QUESTION_MOST,
        asked_before,
        ask_fault,
        brief: BriefPart::of(&page),
        state,
        transcript: TranscriptPart::of(&page, actor.role()),
        recording: RecordingPart::of(&page, actor.role()),
        guidance: GuidancePart::of(answers, page.zone),
        summary: SummaryPart::of(&page, actor.role(), unsettled),
        work,
        reviews: ReviewsPart::of(&page, person),
        banner: Banner::of(page.urgent, &page.zone),
    })
}

/// Whether the page offers to listen: to those who may, unless it is their own call.
fn may_listen(page: &CallPage, person: &SignedIn) -> bool {
    let actor = &person.0.actor;
    let own = page.head.nurse.as_ref().map(|(nurse, _)| *nurse);
    let may = matches!(actor.role(), Some(Role::Nurse | Role::Coordinator)) && page.urgent.is_none();
    may && !page.head.state.is_over() && (own.is_none() || own != actor.staff_id())
}

/// `GET /calls/{id}/parts/{part}`: one part alone, for the live page.
///
/// # Errors
/// `NotFound` for any other part, or a call of nobody's or another organization.
pub async fn part(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((id, part)): Path<(CallId, String)>,
) -> Result<Response, Failure> {
    let actor = &person.0.actor;
    match part.as_str() {
        "state" => {
            let page = open_call::open(&app, actor, id).await?;
            respond::page(&state(&app, &person, &page).await?)
        }
        "transcript" => respond::page(&TranscriptPart::of(&open_call::open(&app, actor, id).await?, actor.role())),
        "decision" => respond::page(&DecisionPart::of(&save_answers::open(&app, actor, id).await?)),
        "summary" => {
            let page = open_call::open(&app, actor, id).await?;
            respond::page(&SummaryPart::of(&page, actor.role(), None))
        }
        "guidance" => respond::page(&guidance(&app, &person, id).await?),
        _ => Err(Error::NotFound.into()),
    }
}

/// Where the call stands, with its floor while people talk.
async fn state(app: &App, person: &SignedIn, page: &CallPage) -> Result<StatePart, Error> {
    let actor = &person.0.actor;
    let floor = flows::floor::read(app, actor, page.head.id).await?;
    let floor = FloorPart::of(floor, page, actor.role());
    Ok(StatePart::of(page, actor.role(), floor))
}

async fn guidance(app: &App, person: &SignedIn, id: CallId) -> Result<GuidancePart, Error> {
    let answers = answer_question::answers(app, &person.0.actor, id).await?;
    let zone = open_worklist::zone(app, &person.0.actor).await?;
    Ok(GuidancePart::of(answers, zone))
}

/// `POST /calls/{id}/ask`: the answers again for the live page, the whole page otherwise.
///
/// # Errors
/// When the database is away. A model in trouble is no error: its passages are shown.
pub async fn ask(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    headers: HeaderMap,
    Form(form): Form<AskForm>,
) -> Result<Response, Failure> {
    let live = is_part(&headers);
    match answer_question::ask(&app, &person.0.actor, id, Private::new(form.question.clone())).await {
        Ok(_) if live => respond::page(&guidance(&app, &person, id).await?),
        Ok(_) => Ok(Redirect::to(&format!("/calls/{id}#ask")).into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) if !live => {
            let unasked = Unasked { question: form.question, fault: respond::words_of(&error) };
            respond::page_with(respond::status_of(&error), &screen(&app, &person, id, Wish::Unasked(unasked)).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /calls/{id}/answers`: what the protocol makes of them for the live page, the whole page otherwise.
///
/// # Errors
/// When the database is away.
pub async fn save(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed::read(fields);
    let live = is_part(&headers);
    match store(&app, &person, id, &typed).await {
        Ok(page) if live => respond::page(&DecisionPart::of(&page)),
        Ok(_) => respond::page(&screen(&app, &person, id, Wish::Saved(typed)).await?),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) if live => {
            respond::note(respond::status_of(&error), respond::words_of(&error))
        }
        Err(error) => come_back(&app, &person, id, typed, error).await,
    }
}

/// `POST /calls/{id}/sign`: saves the form, then signs what was saved. The form comes back when either cannot be done.
///
/// # Errors
/// When the database is away.
pub async fn sign(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed::read(fields);
    let saved = match store(&app, &person, id, &typed).await {
        Ok(saved) => saved,
        Err(error) => return come_back(&app, &person, id, typed, error).await,
    };
    match sign_assessment::sign(&app, &person.0.actor, id, signing(&typed, &saved)).await {
        Ok(_) => Ok(Redirect::to(&format!("/calls/{id}#sign")).into_response()),
        Err(error @ Error::Invalid(_)) => {
            let wish = Wish::Back(typed, Back::Unsigned(respond::words_of(&error)));
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &screen(&app, &person, id, wish).await?)
        }
        Err(error) => come_back(&app, &person, id, typed, error).await,
    }
}

async fn store(app: &App, person: &SignedIn, id: CallId, typed: &Typed) -> Result<AssessmentPage, Error> {
    let Typed { answers, facts, confirmed, revision, .. } = typed.clone();
    save_answers::save(app, &person.0.actor, id, revision, answers, facts, confirmed).await
}

/// What is signed: the level chosen, or the protocol's own when none was.
fn signing(typed: &Typed, saved: &AssessmentPage) -> Signing {
    let found = saved.outcome.disposition.unwrap_or(Disposition::SelfCare);
    Signing {
        revision: saved.revision,
        disposition: Disposition::from_code(&typed.disposition).unwrap_or(found),
        override_reason: Some(typed.override_reason.trim())
            .filter(|reason| !reason.is_empty())
            .map(|reason| Private::new(reason.to_owned())),
        agreed_plan: Private::new(typed.agreed_plan.trim().to_owned()),
    }
}

async fn come_back(app: &App, person: &SignedIn, id: CallId, typed: Typed, error: Error) -> Result<Response, Failure> {
    let status = respond::status_of(&error);
    let back = match error {
        Error::Invalid(text) => Back::Refused(text),
        Error::Conflict(text) => Back::MovedOn(text),
        other => return Err(other.into()),
    };
    respond::page_with(status, &screen(app, person, id, Wish::Back(typed, back)).await?)
}

/// `POST /calls/{id}/cancel`.
///
/// # Errors
/// `Conflict` when patient and nurse already talk or it is over.
pub async fn cancel(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
) -> Result<Redirect, Failure> {
    cancel_call::cancel(&app, &person.0.actor, id).await?;
    Ok(Redirect::to(&format!("/calls/{id}")))
}

/// `POST /calls/{id}/hang-up`.
///
/// # Errors
/// `Conflict` when nobody talks on it.
pub async fn hang_up(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
) -> Result<Redirect, Failure> {
    end_call::end(&app, &person.0.actor, id).await?;
    Ok(Redirect::to(&format!("/calls/{id}")))
}

/// Whether `static/live.js` asks, which swaps a part and does not want the page.
fn is_part(headers: &HeaderMap) -> bool {
    headers.contains_key("x-careline-part")
}
