//! Signing in at the provider an organization trusts. The organization's code comes first, on a form of its own; what is
//! wrong with it is said in one way, so the form tells nobody which organizations there are.

use super::{Bare, assets, icons, sign_in::own_path};
use crate::{
    app::App,
    error::Error,
    flows::sign_on::{
        begin::{self, Asking},
        finish,
    },
    web::{
        cookies::Cookie,
        identity,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// Where a reader wanted to go before signing in, and whether they are to prove anew who they are.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Wish {
    then: String,
    anew: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub struct CodeForm {
    organization: String,
    #[serde(default)]
    then: String,
    #[serde(default)]
    anew: String,
}

/// What a provider sends back (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Answer {
    state: String,
    code: Option<String>,
    iss: Option<String>,
}

/// A provider to go on to.
struct Onward {
    url: String,
    host: String,
}

#[derive(Template)]
#[template(path = "sso.html")]
struct SsoPage {
    frame: Bare,
    then: String,
    anew: String,
    organization: String,
    fault: Option<String>,
    onward: Option<Onward>,
}

impl Default for SsoPage {
    fn default() -> Self {
        let frame = Bare { title: "Single sign-on" };
        Self { frame, then: String::new(), anew: String::new(), organization: String::new(), fault: None, onward: None }
    }
}

/// `GET /sign-in/sso`.
///
/// # Errors
/// When the page cannot be rendered.
pub async fn form(Query(wish): Query<Wish>) -> Result<Response, Failure> {
    respond::page(&SsoPage { then: wish.then, anew: wish.anew, ..SsoPage::default() })
}

/// `POST /sign-in/sso`: a link to the provider. A link and not a redirect, because our forms lead to our own pages only.
///
/// # Errors
/// When the provider or the database is away.
pub async fn begin(State(app): State<Arc<App>>, Form(form): Form<CodeForm>) -> Result<Response, Failure> {
    let organization = form.organization.trim().to_owned();
    let asking = if form.anew == "yes" { Asking::Anew } else { Asking::Whom };
    match begin::begin(&app, &organization, own_path(&form.then), asking).await {
        Ok(begun) => {
            let cookie = Cookie::SignOn.kept(&app, begun.browser.reveal());
            let onward = Some(Onward { url: begun.url.into_revealed(), host: begun.host });
            let page = respond::page(&SsoPage { organization, onward, ..SsoPage::default() })?;
            Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), page).into_response())
        }
        Err(Error::Invalid(fault)) => {
            let page =
                SsoPage { then: form.then, anew: form.anew, organization, fault: Some(fault), ..SsoPage::default() };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /sign-in/sso/return`: in, and on to where the reader wanted to go; or the form again.
///
/// # Errors
/// When the provider or the database is away.
pub async fn come_back(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, Failure> {
    let back = finish::Return {
        state: &answer.state,
        code: answer.code.as_deref(),
        issuer: answer.iss.as_deref(),
        browser: Cookie::SignOn.of(&app, &headers),
        device: identity::device_of(&headers),
    };
    let forget = (header::SET_COOKIE, Cookie::SignOn.forgotten(&app));
    match finish::finish(&app, &back).await {
        Ok(entered) => {
            let session = (header::SET_COOKIE, Cookie::Session.kept(&app, entered.session.reveal()));
            Ok((AppendHeaders([session, forget]), Redirect::to(own_path(&entered.wish))).into_response())
        }
        Err(Error::Invalid(fault)) => {
            let page = SsoPage { fault: Some(fault), ..SsoPage::default() };
            let page = respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)?;
            Ok((AppendHeaders([forget]), page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
