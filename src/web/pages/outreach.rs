//! Who slips out of contact, for coordinators.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    flows::list_outreach::{self, Outreach},
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{extract::State, response::Response};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "outreach.html")]
struct OutreachPage {
    frame: Frame,
    list: Outreach,
}

/// `GET /outreach`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let list = list_outreach::list(&app, &person.0.actor).await?;
    respond::page(&OutreachPage { frame: Frame::of(&person, "Out of contact", "/planning"), list })
}
