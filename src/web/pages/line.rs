//! A nurse's line in the browser: a page of its own, so that opening a chart does not end the call.

use super::{Frame, assets, icons};
use crate::{
    app::App,
    error::Error,
    flows::answer_in_browser::{self, Presence, ReachedBy},
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "line.html")]
struct LinePage {
    frame: Frame,
    chosen: ReachedBy,
    signalling: Arc<str>,
}

/// What the form of the account sends.
#[derive(Deserialize)]
pub struct LineForm {
    by: String,
}

/// What a page says of itself.
#[derive(Deserialize)]
pub struct PresenceForm {
    is: String,
}

/// A pass as the page's script reads it.
#[derive(Serialize)]
struct Pass {
    token: String,
    lasts_seconds: i64,
}

/// `GET /line`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let chosen = answer_in_browser::read(&app, &person.0.actor).await?;
    let frame = Frame::of(&person, "Your line", "/line");
    respond::page(&LinePage { frame, chosen, signalling: Arc::clone(&app.settings.browser_signalling) })
}

/// `POST /line`: how one is reached.
///
/// # Errors
/// `Invalid` for none of the ways.
pub async fn choose(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<LineForm>,
) -> Result<Redirect, Failure> {
    let by = ReachedBy::from_word(&form.by)
        .ok_or_else(|| Error::Invalid("choose the telephone or the browser".to_owned()))?;
    answer_in_browser::choose(&app, &person.0.actor, by).await?;
    Ok(Redirect::to("/line"))
}

/// `POST /voice/token`: a pass for the page that asks.
///
/// # Errors
/// `Conflict` while the organization has no key for it.
pub async fn pass(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let pass = answer_in_browser::pass(&app, &person.0.actor).await?;
    Ok(Json(Pass { token: pass.token.into_revealed(), lasts_seconds: pass.lasts_seconds }).into_response())
}

/// `POST /voice/presence`: whether the page can ring.
///
/// # Errors
/// `Invalid` for another word.
pub async fn presence(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<PresenceForm>,
) -> Result<StatusCode, Failure> {
    let presence = match form.is.as_str() {
        "ready" => Presence::Ready,
        "gone" => Presence::Gone,
        _ => return Err(Error::Invalid("say ready or gone".to_owned()).into()),
    };
    answer_in_browser::present(&app, &person.0.actor, presence).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl LinePage {
    fn is_browser(&self) -> bool {
        self.is_chosen(&ReachedBy::Browser)
    }

    fn is_chosen(&self, way: &ReachedBy) -> bool {
        self.chosen == *way
    }
}

const fn way_words(by: &ReachedBy) -> &'static str {
    match by {
        ReachedBy::Telephone => "My telephone rings",
        ReachedBy::Browser => "This browser rings while this page is open and ready; my telephone otherwise",
    }
}
