//! A planned call gets another time, or rings now.

use super::{Frame, assets, icons, schedule::instant, words};
use crate::{
    app::App,
    domain::ids::CallId,
    error::Error,
    flows::schedule_call::{self, Clashes, OnClash, Scheduled},
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MoveForm {
    due: String,
    accept: String,
}

#[derive(Template)]
#[template(path = "move_call.html")]
struct MovePage {
    frame: Frame,
    call: CallId,
    form: MoveForm,
    fault: Option<String>,
    clashes: Clashes,
    zone: Tz,
    now: DateTime<Utc>,
}

/// `GET /calls/{id}/move`.
///
/// # Errors
/// `NotFound` for a call out of reach.
pub async fn form(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(call): Path<CallId>,
) -> Result<Response, Failure> {
    let zone = schedule_call::clock_of(&app, &person.0.actor, call).await?;
    respond::page(&page(&app, &person, call, MoveForm::default(), zone, None, Clashes::default()))
}

/// `POST /calls/{id}/move`.
///
/// # Errors
/// `NotFound` for a call out of reach.
pub async fn move_it(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(call): Path<CallId>,
    Form(form): Form<MoveForm>,
) -> Result<Response, Failure> {
    let zone = schedule_call::clock_of(&app, &person.0.actor, call).await?;
    let on_clash = if !form.due.is_empty() && form.accept == form.due { OnClash::Accept } else { OnClash::Ask };
    let moved = match instant(&form.due, zone) {
        Ok(due_at) => schedule_call::reschedule(&app, &person.0.actor, call, due_at, on_clash).await,
        Err(_) => Err(Error::Invalid("choose a day and a time that the patient's clock has".to_owned())),
    };
    let (fault, clashes) = match moved {
        Ok(Scheduled::Planned(_)) => return Ok(Redirect::to(&format!("/calls/{call}")).into_response()),
        Ok(Scheduled::Clashes(clashes)) => (None, clashes),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => (Some(respond::words_of(&error)), Clashes::default()),
        Err(error) => return Err(error.into()),
    };
    let page = page(&app, &person, call, form, zone, fault, clashes);
    respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// `POST /calls/{id}/ring`: a call that waits rings at once, as far as the rules let it.
///
/// # Errors
/// `Invalid` with the rule that holds it back; `Conflict` when it no longer waits.
pub async fn ring(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(call): Path<CallId>,
) -> Result<Redirect, Failure> {
    schedule_call::ring_now(&app, &person.0.actor, call).await?;
    Ok(Redirect::to(&format!("/calls/{call}")))
}

fn page(
    app: &App,
    person: &SignedIn,
    call: CallId,
    form: MoveForm,
    zone: Tz,
    fault: Option<String>,
    clashes: Clashes,
) -> MovePage {
    let frame = Frame::of(person, "Another time", "/today");
    MovePage { frame, call, form, fault, clashes, zone, now: app.clock.now() }
}
