//! What opens the organization's own accounts at providers, for admins: written, replaced, removed, never shown.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::private::Private,
    error::Error,
    flows::{
        keep_credentials::{self, CredentialKind, Kept},
        open_worklist,
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
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the forms send.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct CredentialForm {
    kind: String,
    secret: String,
}

#[derive(Template)]
#[template(path = "credentials.html")]
struct CredentialsPage {
    frame: Frame,
    kept: Vec<Kept>,
    fault: Option<(CredentialKind, String)>,
    now: DateTime<Utc>,
    zone: Tz,
}

/// `GET /settings/credentials`.
///
/// # Errors
/// When they cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&page(&app, &person, None).await?)
}

/// `POST /settings/credentials`: writes one in place of the one there was.
///
/// # Errors
/// When it cannot be kept; what was typed is never sent back.
pub async fn set(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<CredentialForm>,
) -> Result<Response, Failure> {
    let kind = form.kind()?;
    match keep_credentials::set(&app, &person.0.actor, kind, &Private::new(form.secret)).await {
        Ok(()) => Ok(Redirect::to("/settings/credentials").into_response()),
        Err(Error::Invalid(fault)) => {
            let page = page(&app, &person, Some((kind, fault))).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/credentials/remove`.
///
/// # Errors
/// `NotFound` when there is none of that kind.
pub async fn remove(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<CredentialForm>,
) -> Result<Redirect, Failure> {
    keep_credentials::remove(&app, &person.0.actor, form.kind()?).await?;
    Ok(Redirect::to("/settings/credentials"))
}

impl CredentialForm {
    fn kind(&self) -> Result<CredentialKind, Error> {
        CredentialKind::from_word(&self.kind)
            .ok_or_else(|| Error::Invalid("Choose what the secret opens from the page.".to_owned()))
    }
}

async fn page(app: &App, person: &SignedIn, fault: Option<(CredentialKind, String)>) -> Result<CredentialsPage, Error> {
    let kept = keep_credentials::list(app, &person.0.actor).await?;
    let zone = open_worklist::zone(app, &person.0.actor).await?;
    let frame = Frame::of(person, "Credentials", "/settings/secrets");
    Ok(CredentialsPage { frame, kept, fault, now: app.clock.now(), zone })
}

impl CredentialsPage {
    fn of(&self, kind: &CredentialKind) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.kind == *kind)
    }

    fn fault_of(&self, kind: &CredentialKind) -> Option<&str> {
        self.fault.as_ref().filter(|(of, _)| of == kind).map(|(_, fault)| fault.as_str())
    }
}

const fn name(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::CarrierAccount => "Account at the carrier",
        CredentialKind::ModelApi => "Key of the language model",
        CredentialKind::SpeechApi => "Key of the speech service",
        CredentialKind::BrowserVoice => "Key for calls in the browser",
    }
}

const fn hint(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::CarrierAccount => {
            "Account and token with a colon between them. It is kept; calls still go through the account of whoever runs Careline."
        }
        CredentialKind::ModelApi => {
            "Guidance is written and searched with it; without it, with the key of whoever runs Careline."
        }
        CredentialKind::BrowserVoice => {
            "Sid and secret of an API key of the carrier's account with a colon between them. It signs the passes with which nurses' \
             browsers are rung; without it telephones ring."
        }
        CredentialKind::SpeechApi => {
            "Calls are transcribed on its account with the first engine; without it, on that of whoever runs Careline."
        }
    }
}
