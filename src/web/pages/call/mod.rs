//! The page of one call: brief, line, transcript, protocol, guidance. Each part renders alone too, for the live page.

pub mod brief;
pub mod guidance;
pub mod state;
pub mod transcript;

use self::{brief::BriefPart, guidance::GuidancePart, state::StatePart, transcript::TranscriptPart};
use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{guidance::QUESTION_MOST, ids::CallId, people::Role, private::Private},
    error::Error,
    flows::{answer_question, cancel_call, end_call, open_call, open_worklist},
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
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
    longest_question: usize,
    asked_before: String,
    ask_fault: Option<String>,
    brief: BriefPart,
    state: StatePart,
    transcript: TranscriptPart,
    guidance: GuidancePart,
}

/// `GET /calls/{id}`.
///
/// # Errors
/// `NotFound` for a call of nobody's or another organization.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn, Path(id): Path<CallId>) -> Result<Response, Failure> {
    respond::page(&screen(&app, &person, id, None).await?)
}

/// A question that could not be asked, with the reason.
struct Unasked {
    question: String,
    fault: String,
}

async fn screen(app: &App, person: &SignedIn, id: CallId, unasked: Option<Unasked>) -> Result<CallScreen, Error> {
    let actor = &person.0.actor;
    let page = open_call::open(app, actor, id).await?;
    let answers = answer_question::answers(app, actor, id).await?;
    let name = page.brief.name.reveal().clone();
    let (asked_before, ask_fault) = unasked.map(|unasked| (unasked.question, Some(unasked.fault))).unwrap_or_default();
    Ok(CallScreen {
        frame: Frame::of(person, format!("Call with {name}"), "/today"),
        id,
        name,
        purpose: words::purpose(&page.head.purpose),
        protocol: words::plain(&page.head.protocol),
        may_ask: matches!(actor.role(), Some(Role::Nurse | Role::Physician)),
        longest_question: QUESTION_MOST,
        asked_before,
        ask_fault,
        brief: BriefPart::of(&page),
        state: StatePart::of(&page, actor.role()),
        transcript: TranscriptPart::of(&page),
        guidance: GuidancePart::of(answers, page.zone),
    })
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
            respond::page(&StatePart::of(&page, actor.role()))
        }
        "transcript" => respond::page(&TranscriptPart::of(&open_call::open(&app, actor, id).await?)),
        "guidance" => respond::page(&guidance(&app, &person, id).await?),
        _ => Err(Error::NotFound.into()),
    }
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
            respond::page_with(respond::status_of(&error), &screen(&app, &person, id, Some(unasked)).await?)
        }
        Err(error) => Err(error.into()),
    }
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
