//! Signing in and out. What was wrong is never said more exactly than "one of the three".

use super::{Bare, assets, icons};
use crate::{
    app::App,
    domain::{pace::Pace, private::Private},
    error::Error,
    flows::sign_in::{self, FirstStep},
    web::{
        cookies::Cookie,
        identity::{self, SignedIn},
        limits,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// Where a reader wanted to go before signing in.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Wish {
    then: String,
}

/// What the sign-in form sends.
#[derive(Deserialize)]
pub struct SignInForm {
    organization: String,
    email: String,
    password: String,
    #[serde(default)]
    then: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Bare,
    then: &'a str,
    organization: &'a str,
    email: &'a str,
    fault: Option<String>,
}

/// `GET /sign-in`.
///
/// # Errors
/// When the page cannot be rendered.
pub async fn form(Query(wish): Query<Wish>) -> Result<Response, Failure> {
    respond::page(&SignInPage { frame: FRAME, then: &wish.then, organization: "", email: "", fault: None })
}

/// `POST /sign-in`: on to where the reader wanted to go, or the form again with everything but the password.
///
/// # Errors
/// When the database is away.
pub async fn sign_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, Failure> {
    limits::organization(&app, Pace::SignIn, form.organization.trim()).await?;
    let entry = sign_in::Entry {
        organization: form.organization.trim(),
        email: form.email.trim(),
        password: Private::new(form.password),
        known: Cookie::Device.of(&app, &headers),
        device: identity::device_of(&headers),
    };
    match sign_in::sign_in(&app, &entry).await {
        Ok(FirstStep::Entered(entered)) => {
            Ok((identity::cookies_for(&app, &entered), Redirect::to(own_path(&form.then))).into_response())
        }
        Ok(FirstStep::Half(half)) => {
            let cookie = [(header::SET_COOKIE, Cookie::Half.kept(&app, &half))];
            Ok((cookie, Redirect::to(&second_step(own_path(&form.then)))).into_response())
        }
        Err(Error::Invalid(fault)) => refused(&form.then, &form.organization, &form.email, fault),
        Err(error) => Err(error.into()),
    }
}

/// The form again, with everything but the password and with what is wrong.
///
/// # Errors
/// When the page cannot be rendered.
pub(super) fn refused(then: &str, organization: &str, email: &str, fault: String) -> Result<Response, Failure> {
    let page = SignInPage { frame: FRAME, then, organization, email, fault: Some(fault) };
    respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn second_step(then: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("then", then).finish();
    format!("/sign-in/factor?{query}")
}

/// `POST /sign-out`: ends the session on the server and in the browser.
///
/// # Errors
/// When the database is away.
pub async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    let value = Cookie::Session.of(&app, &headers).ok_or(Error::SignedOut)?;
    sign_in::sign_out(&app, value).await?;
    // What the browser kept of pages goes too; the cookie is taken back by name, because others may share the host.
    let headers = [
        (header::SET_COOKIE, Cookie::Session.forgotten(&app)),
        (HeaderName::from_static("clear-site-data"), "\"cache\", \"storage\"".to_owned()),
    ];
    Ok((headers, Redirect::to("/sign-in")).into_response())
}

/// `GET /`: where the reader's day begins.
pub async fn home(person: SignedIn) -> Redirect {
    Redirect::to(identity::home_of(person.0.actor.role()))
}

/// Only a path of our own: `//elsewhere` and `/\elsewhere` are other hosts to a browser. The steps of signing in are no
/// place to go to after it.
#[must_use]
pub fn own_path(then: &str) -> &str {
    let own =
        then.starts_with('/') && !then.starts_with("//") && !then.contains('\\') && !then.contains(char::is_control);
    if own && !then.starts_with("/sign-in") { then } else { "/" }
}

const FRAME: Bare = Bare { title: "Sign in" };
