//! Where a colleague is signed in, for admins.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::ids::{SessionId, StaffId},
    flows::colleagues_sessions::{self, SignedInAt},
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{Redirect, Response},
};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "colleagues_sessions.html")]
struct SessionsPage {
    frame: Frame,
    at: SignedInAt,
}

/// `GET /staff/{id}/sessions`.
///
/// # Errors
/// `NotFound` for nobody here.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn, Path(id): Path<StaffId>) -> Result<Response, Failure> {
    let at = colleagues_sessions::list(&app, &person.0.actor, id).await?;
    respond::page(&SessionsPage { frame: Frame::of(&person, "Sessions", "/staff"), at })
}

/// `POST /staff/{id}/sessions/{session}/end`.
///
/// # Errors
/// `NotFound` when it is somebody else's or over.
pub async fn end(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((id, session)): Path<(StaffId, SessionId)>,
) -> Result<Redirect, Failure> {
    colleagues_sessions::end(&app, &person.0.actor, id, session).await?;
    Ok(Redirect::to(&format!("/staff/{id}/sessions")))
}
