//! A forgotten password: asking for a letter, and choosing a new one by it. Every address gets the same answer.

use super::{Bare, assets, icons};
use crate::{
    app::App,
    domain::{pace::Pace, private::Private},
    error::Error,
    flows::reset_password::{self, Chosen},
    web::{
        limits,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use std::sync::Arc;

/// Who forgot.
#[derive(Deserialize)]
pub struct Forgetful {
    organization: String,
    email: String,
}

/// What the form of a letter sends.
#[derive(Deserialize)]
pub struct NewPassword {
    password: String,
}

#[derive(Template)]
#[template(path = "forgot.html")]
struct ForgotPage {
    frame: Bare,
    step: Step,
}

/// How far somebody came.
enum Step {
    Ask,
    Asked,
    Changed,
    Stale(String),
}

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage<'a> {
    frame: Bare,
    link: &'a str,
    fault: Option<String>,
}

/// `GET /forgot`.
///
/// # Errors
/// When the page cannot be rendered.
pub async fn form() -> Result<Response, Failure> {
    respond::page(&ForgotPage { frame: FRAME, step: Step::Ask })
}

/// `POST /forgot`: the same answer for any address.
///
/// # Errors
/// 429 after too many; when the database is away.
pub async fn ask(State(app): State<Arc<App>>, Form(who): Form<Forgetful>) -> Result<Response, Failure> {
    limits::organization(&app, Pace::Reset, who.organization.trim()).await?;
    reset_password::ask(&app, who.organization.trim(), who.email.trim()).await?;
    respond::page(&ForgotPage { frame: FRAME, step: Step::Asked })
}

/// `GET /reset/{link}`: the form of a letter. Looking uses nothing up, because mail programs look too.
///
/// # Errors
/// When the database is away.
pub async fn open(State(app): State<Arc<App>>, Path(link): Path<String>) -> Result<Response, Failure> {
    match reset_password::open(&app, &link).await {
        Ok(()) => respond::page(&ResetPage { frame: FRAME, link: &link, fault: None }),
        Err(Error::Invalid(text)) => stale(text),
        Err(error) => Err(error.into()),
    }
}

/// `POST /reset/{link}`.
///
/// # Errors
/// When the database is away.
pub async fn choose(
    State(app): State<Arc<App>>,
    Path(link): Path<String>,
    Form(form): Form<NewPassword>,
) -> Result<Response, Failure> {
    match reset_password::choose(&app, &link, &Private::new(form.password)).await {
        Ok(Chosen::Changed) => respond::page(&ForgotPage { frame: FRAME, step: Step::Changed }),
        Ok(Chosen::Refused(fault)) => {
            let page = ResetPage { frame: FRAME, link: &link, fault: Some(fault) };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(Error::Invalid(text)) => stale(text),
        Err(error) => Err(error.into()),
    }
}

fn stale(text: String) -> Result<Response, Failure> {
    respond::page_with(StatusCode::NOT_FOUND, &ForgotPage { frame: FRAME, step: Step::Stale(text) })
}

const FRAME: Bare = Bare { title: "Choose a new password" };
