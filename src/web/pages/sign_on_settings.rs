//! What an admin sets about single sign-on. The client secret is written here and never shown again.

use super::{Frame, assets, icons};
use crate::{
    app::App,
    domain::private::Private,
    error::Error,
    flows::sign_on::{
        return_address,
        settings::{self, Choice, Typed},
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

/// What the form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SettingsForm {
    issuer: String,
    client_id: String,
    client_secret: String,
    group_claim: String,
    groups: String,
    passwords: String,
    break_glass: String,
}

#[derive(Template)]
#[template(path = "sign_on_settings.html")]
struct SettingsPage {
    frame: Frame,
    typed: Typed,
    trusted: bool,
    admins: Vec<String>,
    return_to: String,
    fault: Option<String>,
}

impl SettingsPage {
    fn one_only(&self) -> bool {
        self.typed.passwords == Choice::One
    }

    fn is_break_glass(&self, admin: &str) -> bool {
        self.typed.break_glass == admin
    }
}

/// `GET /settings/sign-on`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, None, None).await?)
}

/// `POST /settings/sign-on`: saved once the provider answered as one, or the form again with what is wrong.
///
/// # Errors
/// When the database is away.
pub async fn save(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<SettingsForm>,
) -> Result<Response, Failure> {
    let typed = Typed {
        issuer: form.issuer,
        client_id: form.client_id,
        client_secret: Private::new(form.client_secret),
        group_claim: form.group_claim,
        groups: form.groups,
        passwords: if form.passwords == "one" { Choice::One } else { Choice::Everybody },
        break_glass: form.break_glass,
    };
    match settings::save(&app, &person.0.actor, &typed).await {
        Ok(()) => Ok(Redirect::to("/settings/sign-on").into_response()),
        Err(Error::Invalid(fault)) => {
            let page = read(&app, &person, Some(typed), Some(fault)).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/sign-on/remove`: everybody comes in by password again.
///
/// # Errors
/// When the database is away.
pub async fn remove(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    settings::remove(&app, &person.0.actor).await?;
    Ok(Redirect::to("/settings/sign-on").into_response())
}

async fn read(
    app: &App,
    person: &SignedIn,
    typed: Option<Typed>,
    fault: Option<String>,
) -> Result<SettingsPage, Error> {
    let standing = settings::read(app, &person.0.actor).await?;
    Ok(SettingsPage {
        frame: Frame::of(person, "Single sign-on", "/settings/sign-on"),
        typed: typed.unwrap_or(standing.typed),
        trusted: standing.trusted,
        admins: standing.admins,
        return_to: return_address(app),
        fault,
    })
}
