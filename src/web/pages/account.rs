//! One's own account: sessions, known browsers, a new password, and the way to what else belongs to it.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{
        ids::{DeviceId, SessionId},
        people::Role,
        private::Private,
    },
    error::Error,
    flows::own_account::{self, Account, OpenSession},
    web::{
        cookies::Cookie,
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    account: Account,
    used: Option<SessionId>,
    has_line: bool,
    now: DateTime<Utc>,
}

impl AccountPage {
    fn is_used(&self, session: &OpenSession) -> bool {
        self.used == Some(session.id)
    }
}

#[derive(Template)]
#[template(path = "account_password.html")]
struct PasswordPage {
    frame: Frame,
    fault: Option<String>,
}

/// What the form for a new password sends.
#[derive(Deserialize)]
pub struct NewPassword {
    password: String,
}

/// `GET /account`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let account = own_account::read(&app, &person.0.actor).await?;
    let frame = Frame::of(&person, "Your account", "/account");
    let has_line = person.0.actor.role() == Some(Role::Nurse);
    respond::page(&AccountPage { frame, account, used: person.0.session, has_line, now: app.clock.now() })
}

/// `GET /account/password`.
///
/// # Errors
/// When the page cannot be rendered.
pub async fn password(person: SignedIn) -> Result<Response, Failure> {
    respond::page(&PasswordPage { frame: Frame::of(&person, "A new password", "/account"), fault: None })
}

/// `POST /account/password`: the session goes on under a new cookie, every other one is over.
///
/// # Errors
/// When the database is away.
pub async fn change_password(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<NewPassword>,
) -> Result<Response, Failure> {
    let used = person.0.session.ok_or(Error::SignedOut)?;
    match own_account::change_password(&app, &person.0.actor, used, &Private::new(form.password)).await {
        Ok(cookie) => {
            Ok(([(header::SET_COOKIE, Cookie::Session.kept(&app, &cookie))], Redirect::to("/account")).into_response())
        }
        Err(Error::Invalid(fault)) => {
            let frame = Frame::of(&person, "A new password", "/account");
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &PasswordPage { frame, fault: Some(fault) })
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/sessions/{id}/end`.
///
/// # Errors
/// 404 for a session of nobody's or somebody else's.
pub async fn end_session(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<SessionId>,
) -> Result<Redirect, Failure> {
    own_account::end_session(&app, &person.actor, id).await?;
    Ok(Redirect::to("/account"))
}

/// `POST /account/sessions/end-others`.
///
/// # Errors
/// When the database is away.
pub async fn end_others(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Redirect, Failure> {
    let used = person.session.ok_or(Error::SignedOut)?;
    own_account::end_others(&app, &person.actor, used).await?;
    Ok(Redirect::to("/account"))
}

/// `POST /account/devices/{id}/end`.
///
/// # Errors
/// 404 for a browser of nobody's or somebody else's.
pub async fn distrust(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<DeviceId>,
) -> Result<Redirect, Failure> {
    own_account::distrust(&app, &person.actor, id).await?;
    Ok(Redirect::to("/account"))
}

/// `POST /account/stay`: somebody is there; the guard has noted it.
pub async fn stay() -> Redirect {
    Redirect::to("/")
}
