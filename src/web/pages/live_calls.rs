//! What an admin keeps for live calls: numbers that nurses may ask into one, how patients learn of supervision, and how long
//! recordings stay.

use super::{Frame, assets, faults::Faults, icons};
use crate::{
    app::App,
    domain::{
        floor::{GuestKind, Supervision},
        ids::OutsideId,
        retention::MOST_DAYS,
    },
    error::Error,
    flows::{
        live_rules::{self, LiveRules, TypedNumber},
        recordings::rule::{self, AfterWithdrawal, RetentionRule},
        transcripts,
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// What the form for a number sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct NumberForm {
    label: String,
    number: String,
    kind: String,
}

/// What the button that removes a number sends.
#[derive(Deserialize)]
pub struct RemoveForm {
    id: OutsideId,
}

/// What the form for the policy sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PolicyForm {
    policy: String,
}

/// What the form for recordings sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RetentionForm {
    days: String,
    after_withdrawal: String,
}

/// What the form for transcripts sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct TranscriptForm {
    days: String,
}

#[derive(Template)]
#[template(path = "live_calls.html")]
struct LiveCallsPage {
    frame: Frame,
    rules: LiveRules,
    retention: RetentionRule,
    most_days: i32,
    typed: TypedNumber,
    faults: Faults,
    retention_fault: Option<String>,
    transcript_days: String,
    transcript_fault: Option<String>,
}

/// `GET /settings/live-calls`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&page(&app, &person).await?)
}

/// `POST /settings/live-calls/numbers`.
///
/// # Errors
/// When the database is away.
pub async fn add(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<NumberForm>,
) -> Result<Response, Failure> {
    let typed = TypedNumber { label: form.label, number: form.number, kind: form.kind };
    match live_rules::add(&app, &person.0.actor, &typed).await {
        Ok(()) => Ok(Redirect::to("/settings/live-calls").into_response()),
        Err(Error::Invalid(text)) => {
            let faults = Faults::read(&text, &[("name", "label"), ("number", "number"), ("kind", "kind")]);
            let page = LiveCallsPage { typed, faults, ..page(&app, &person).await? };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/live-calls/numbers/remove`.
///
/// # Errors
/// When the database is away.
pub async fn remove(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<RemoveForm>,
) -> Result<Redirect, Failure> {
    live_rules::remove(&app, &person.0.actor, form.id).await?;
    Ok(Redirect::to("/settings/live-calls"))
}

/// `POST /settings/live-calls/supervision`.
///
/// # Errors
/// `Invalid` for no policy; otherwise when the database is away.
pub async fn set_supervision(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<PolicyForm>,
) -> Result<Redirect, Failure> {
    live_rules::set_supervision(&app, &person.0.actor, &form.policy).await?;
    Ok(Redirect::to("/settings/live-calls"))
}

/// `POST /settings/live-calls/recordings`.
///
/// # Errors
/// When the database is away.
pub async fn set_retention(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<RetentionForm>,
) -> Result<Response, Failure> {
    match rule::set(&app, &person.0.actor, &form.days, &form.after_withdrawal).await {
        Ok(()) => Ok(Redirect::to("/settings/live-calls#recordings").into_response()),
        Err(error @ Error::Invalid(_)) => {
            let page = LiveCallsPage { retention_fault: Some(respond::words_of(&error)), ..page(&app, &person).await? };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/live-calls/transcripts`.
///
/// # Errors
/// When the database is away.
pub async fn set_transcripts(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<TranscriptForm>,
) -> Result<Response, Failure> {
    match transcripts::rule::set(&app, &person.0.actor, &form.days).await {
        Ok(()) => Ok(Redirect::to("/settings/live-calls#transcripts").into_response()),
        Err(error @ Error::Invalid(_)) => {
            let transcript_fault = Some(respond::words_of(&error));
            let page = LiveCallsPage { transcript_days: form.days, transcript_fault, ..page(&app, &person).await? };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(app: &App, person: &SignedIn) -> Result<LiveCallsPage, Error> {
    Ok(LiveCallsPage {
        frame: Frame::of(person, "Live calls", "/settings/calling"),
        rules: live_rules::read(app, &person.0.actor).await?,
        retention: rule::read(app, &person.0.actor).await?,
        most_days: MOST_DAYS,
        typed: TypedNumber::default(),
        faults: Faults::default(),
        retention_fault: None,
        transcript_days: transcripts::rule::read(app, &person.0.actor)
            .await?
            .map_or_else(String::new, |days| days.to_string()),
        transcript_fault: None,
    })
}
