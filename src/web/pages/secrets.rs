//! What is sealed, and whether it is in order: for admins and auditors. No secret is ever on it.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::people::Role,
    flows::{
        open_secrets::{self, Secrets},
        open_worklist,
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{extract::State, response::Response};
use chrono_tz::Tz;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "secrets.html")]
struct SecretsPage {
    frame: Frame,
    secrets: Secrets,
    older: i64,
    is_admin: bool,
    zone: Tz,
}

/// `GET /settings/secrets`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let secrets = open_secrets::open(&app, &person.0.actor).await?;
    let older = secrets.tables.iter().map(|(_, _, older)| older).sum();
    let zone = open_worklist::zone(&app, &person.0.actor).await?;
    let is_admin = person.0.actor.role() == Some(Role::Admin);
    let frame = Frame::of(&person, "Secrets", "/settings/secrets");
    respond::page(&SecretsPage { frame, secrets, older, is_admin, zone })
}
