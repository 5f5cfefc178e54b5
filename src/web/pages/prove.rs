//! Proving again who one is, before something sensitive.

use super::{Bare, assets, icons, sign_in::own_path};
use crate::{
    app::App,
    domain::private::Private,
    error::Error,
    flows::prove,
    web::{
        identity::{self, SignedIn},
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
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
    next: String,
}

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage<'a> {
    frame: Bare,
    person: &'a str,
    next: &'a str,
    fault: Option<String>,
}

/// `GET /prove`.
///
/// # Errors
/// When the page cannot be rendered.
pub async fn form(person: SignedIn, Query(way): Query<Way>) -> Result<Response, Failure> {
    respond::page(&ProvePage { frame: FRAME, person: &person.0.full_name, next: own_path(&way.next), fault: None })
}

/// `POST /prove`: on to where the person was going, with a new cookie.
///
/// # Errors
/// When the database is away.
pub async fn prove(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Form(form): Form<Proving>,
) -> Result<Response, Failure> {
    let next = own_path(&form.next);
    let session = person.session.ok_or(Error::SignedOut)?;
    match prove::by_password(&app, &person.actor, session, &Private::new(form.password)).await {
        Ok(cookie) => {
            Ok(([(header::SET_COOKIE, identity::cookie_for(&app, &cookie))], Redirect::to(next)).into_response())
        }
        Err(Error::Invalid(fault)) => {
            let page = ProvePage { frame: FRAME, person: &person.full_name, next, fault: Some(fault) };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

const FRAME: Bare = Bare { title: "Prove it is you" };
