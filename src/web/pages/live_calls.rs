//! What an admin keeps for live calls: numbers that nurses may ask into one, and how patients learn of supervision.

use super::{Frame, assets, faults::Faults, icons};
use crate::{
    app::App,
    domain::{
        floor::{GuestKind, Supervision},
        ids::OutsideId,
    },
    error::Error,
    flows::live_rules::{self, LiveRules, TypedNumber},
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

#[derive(Template)]
#[template(path = "live_calls.html")]
struct LiveCallsPage {
    frame: Frame,
    rules: LiveRules,
    typed: TypedNumber,
    faults: Faults,
}

/// `GET /settings/live-calls`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let rules = live_rules::read(&app, &person.0.actor).await?;
    respond::page(&page(&person, rules, TypedNumber::default(), Faults::default()))
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
            let rules = live_rules::read(&app, &person.0.actor).await?;
            let faults = Faults::read(&text, &[("name", "label"), ("number", "number"), ("kind", "kind")]);
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&person, rules, typed, faults))
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

fn page(person: &SignedIn, rules: LiveRules, typed: TypedNumber, faults: Faults) -> LiveCallsPage {
    LiveCallsPage { frame: Frame::of(person, "Live calls", "/settings/calling"), rules, typed, faults }
}
