//! How the organization texts, for its admin: its neutral name, announcements of calls, the address to give the carrier.

use super::{Frame, assets, faults::Faults, icons};
use crate::{
    app::App,
    error::Error,
    flows::set_texting::{self, Texting, TypedTexting},
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
pub struct TextingForm {
    name: String,
    lead_hours: String,
}

#[derive(Template)]
#[template(path = "texting.html")]
struct TextingPage {
    frame: Frame,
    set: Texting,
    faults: Faults,
}

/// `GET /settings/texts`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let set = set_texting::read(&app, &person.0.actor).await?;
    respond::page(&TextingPage { frame: frame(&person), set, faults: Faults::default() })
}

/// `POST /settings/texts`.
///
/// # Errors
/// When the database is away.
pub async fn set(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<TextingForm>,
) -> Result<Response, Failure> {
    let typed = TypedTexting { name: form.name, lead_hours: form.lead_hours };
    match set_texting::set(&app, &person.0.actor, &typed).await {
        Ok(()) => Ok(Redirect::to("/settings/texts").into_response()),
        Err(Error::Invalid(text)) => {
            let faults = Faults::read(&text, &[("name", "name"), ("hours", "lead_hours")]);
            let set = Texting { typed, ..set_texting::read(&app, &person.0.actor).await? };
            let page = TextingPage { frame: frame(&person), set, faults };
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

fn frame(person: &SignedIn) -> Frame {
    Frame::of(person, "Texts", "/settings/calling")
}
