//! Proving again who one is, before something sensitive: the password with a code, or a passkey.

use super::{Bare, assets, factors::Asked, icons, sign_in::own_path};
use crate::{
    app::App,
    domain::{ids::CeremonyId, private::Private},
    error::Error,
    flows::prove::{self, Held, Reply, Typed},
    web::{
        cookies::Cookie,
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form, Json,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// Where the person was going.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Way {
    next: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub struct Proving {
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// A browser's answer, in a form.
#[derive(Deserialize)]
pub struct AnswerForm {
    ceremony: CeremonyId,
    answer: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage<'a> {
    frame: Bare,
    person: &'a str,
    next: &'a str,
    held: Held,
    fault: Option<String>,
}

/// `GET /prove`.
///
/// # Errors
/// When the page cannot be rendered.
pub async fn form(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Query(way): Query<Way>,
) -> Result<Response, Failure> {
    let held = prove::wanted(&app, &person.actor).await?;
    let (person, next) = (person.full_name.as_str(), own_path(&way.next));
    respond::page(&ProvePage { frame: FRAME, person, next, held, fault: None })
}

/// `POST /prove`: on to where the person was going, with a new cookie.
///
/// # Errors
/// When the database is away.
pub async fn prove(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<Proving>,
) -> Result<Response, Failure> {
    let session = person.0.session.ok_or(Error::SignedOut)?;
    let typed = Typed { password: Private::new(form.password), code: Private::new(form.code) };
    let proven = prove::by_password(&app, &person.0.actor, session, &typed).await;
    go_on(&app, &person, &form.next, proven).await
}

/// `POST /prove/ask`: what the person's browser is asked, as JSON.
///
/// # Errors
/// When there can be no passkeys at this address.
pub async fn ask(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Asked>, Failure> {
    let asked = prove::ask(&app, &person.actor).await?;
    Ok(Json(Asked { ceremony: asked.ceremony, options: asked.options }))
}

/// `POST /prove/passkey`: its answer.
///
/// # Errors
/// When the database is away.
pub async fn by_passkey(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<AnswerForm>,
) -> Result<Response, Failure> {
    let session = person.0.session.ok_or(Error::SignedOut)?;
    let reply = Reply { ceremony: form.ceremony, answer: &form.answer };
    let proven = prove::by_passkey(&app, &person.0.actor, session, reply).await;
    go_on(&app, &person, &form.next, proven).await
}

async fn go_on(app: &App, person: &SignedIn, next: &str, proven: Result<String, Error>) -> Result<Response, Failure> {
    let next = own_path(next);
    match proven {
        Ok(cookie) => {
            Ok(([(header::SET_COOKIE, Cookie::Session.kept(app, &cookie))], Redirect::to(next)).into_response())
        }
        Err(Error::Invalid(fault)) => {
            let held = prove::wanted(app, &person.0.actor).await?;
            let page = ProvePage { frame: FRAME, person: &person.0.full_name, next, held, fault: Some(fault) };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

const FRAME: Bare = Bare { title: "Prove it is you" };
