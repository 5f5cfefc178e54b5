//! The second step of signing in, and signing in by passkey alone. What waits between the steps is on the server; its
//! cookie opens nothing but these doors.

use super::{Bare, assets, factors::Asked, icons, sign_in::own_path};
use crate::{
    app::App,
    domain::{ids::CeremonyId, pace::Pace},
    error::Error,
    flows::sign_in::{self, Browser, Held, Reply},
    web::{
        cookies::Cookie,
        identity, limits,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form, Json,
    extract::{Query, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// Where the person was going.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Way {
    then: String,
}

/// A code somebody typed.
#[derive(Deserialize)]
pub struct CodeForm {
    code: String,
    #[serde(default)]
    then: String,
}

/// A browser's answer, in a form.
#[derive(Deserialize)]
pub struct AnswerForm {
    ceremony: CeremonyId,
    answer: String,
    #[serde(default)]
    then: String,
    #[serde(default)]
    organization: String,
}

/// Where somebody wants to sign in by passkey.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct WhereForm {
    organization: String,
}

#[derive(Template)]
#[template(path = "second_step.html")]
struct SecondStepPage<'a> {
    frame: Bare,
    then: &'a str,
    step: Held,
    fault: Option<String>,
}

/// `GET /sign-in/factor`.
///
/// # Errors
/// `SignedOut` when no sign-in waits: the page of the first step comes instead.
pub async fn form(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(way): Query<Way>,
) -> Result<Response, Failure> {
    let step = sign_in::waiting(&app, Cookie::Half.of(&app, &headers)).await?;
    respond::page(&SecondStepPage { frame: FRAME, then: own_path(&way.then), step, fault: None })
}

/// `POST /sign-in/factor`: a typed code.
///
/// # Errors
/// When the keys or the database are away.
pub async fn by_code(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Result<Response, Failure> {
    let half = Cookie::Half.of(&app, &headers);
    let entered = sign_in::by_code(&app, half, &form.code, &browser(&app, &headers)).await;
    enter(&app, &headers, &form.then, entered).await
}

/// `POST /sign-in/factor/ask`: what the browser of a half signed-in person is asked, as JSON.
///
/// # Errors
/// `SignedOut` when no sign-in waits.
pub async fn ask(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<Asked>, Failure> {
    let asked = sign_in::ask_half(&app, Cookie::Half.of(&app, &headers)).await?;
    Ok(Json(Asked { ceremony: asked.ceremony, options: asked.options }))
}

/// `POST /sign-in/factor/passkey`: its answer.
///
/// # Errors
/// When the database is away.
pub async fn by_passkey(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(form): Form<AnswerForm>,
) -> Result<Response, Failure> {
    let half = Cookie::Half.of(&app, &headers);
    let reply = Reply { ceremony: form.ceremony, answer: &form.answer };
    let entered = sign_in::by_half_passkey(&app, half, reply, &browser(&app, &headers)).await;
    enter(&app, &headers, &form.then, entered).await
}

/// `POST /sign-in/passkey/ask`: what the browser of somebody unknown is asked, as JSON.
///
/// # Errors
/// When there can be no passkeys at this address.
pub async fn ask_anybody(State(app): State<Arc<App>>, Form(form): Form<WhereForm>) -> Result<Json<Asked>, Failure> {
    limits::organization(&app, Pace::SignIn, form.organization.trim()).await?;
    let asked = sign_in::ask_anybody(&app, form.organization.trim()).await?;
    Ok(Json(Asked { ceremony: asked.ceremony, options: asked.options }))
}

/// `POST /sign-in/passkey`: a passkey alone signs in, because it is two factors by itself.
///
/// # Errors
/// When the database is away.
pub async fn by_passkey_alone(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(form): Form<AnswerForm>,
) -> Result<Response, Failure> {
    let reply = Reply { ceremony: form.ceremony, answer: &form.answer };
    match sign_in::by_passkey(&app, form.organization.trim(), reply, &browser(&app, &headers)).await {
        Ok(entered) => Ok((identity::cookies_for(&app, &entered), Redirect::to(own_path(&form.then))).into_response()),
        Err(Error::Invalid(fault)) => super::sign_in::refused(&form.then, form.organization.trim(), "", fault),
        Err(error) => Err(error.into()),
    }
}

/// On to where the person was going, or the step again with what is wrong.
async fn enter(
    app: &App,
    headers: &HeaderMap,
    then: &str,
    entered: Result<sign_in::Entered, Error>,
) -> Result<Response, Failure> {
    match entered {
        Ok(entered) => Ok((identity::cookies_for(app, &entered), Redirect::to(own_path(then))).into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            let step = sign_in::waiting(app, Cookie::Half.of(app, headers)).await?;
            let fault = Some(respond::words_of(&error));
            let page = SecondStepPage { frame: FRAME, then: own_path(then), step, fault };
            respond::page_with(respond::status_of(&error), &page)
        }
        Err(error) => Err(error.into()),
    }
}

fn browser<'a>(app: &App, headers: &'a HeaderMap) -> Browser<'a> {
    Browser { known: Cookie::Device.of(app, headers), device: identity::device_of(headers) }
}

const FRAME: Bare = Bare { title: "One more step" };
