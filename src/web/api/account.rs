//! One's own sessions, as JSON.

use super::DONE;
use crate::{
    app::App,
    domain::{ids::SessionId, session::Device},
    error::Error,
    flows::{
        open_socket,
        own_account::{self, OpenSession},
    },
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::sync::Arc;

/// How long the session that asks goes on.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Left {
    /// Seconds until it ends if nobody uses it; null while its person is on a live call.
    seconds_left: Option<i64>,
}

/// A session as its owner sees it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireSession {
    /// Its id.
    id: SessionId,
    /// The family of the browser it is used in.
    device: Device,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    seen_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

/// How long the session goes on. Send `X-Careline-Glance: 1`, so that asking does not count as using it.
#[utoipa::path(get, path = "/api/session", tag = "session", responses((status = 200, body = Left), (status = 401, body = Problem)))]
pub async fn left(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Json<Left> {
    let end = person.lifetime.and_then(|lifetime| lifetime.ends_at());
    Json(Left { seconds_left: end.map(|end| (end - app.clock.now()).num_seconds()) })
}

/// One's own open sessions, the one used last first.
///
/// # Errors
/// When it cannot be read.
#[utoipa::path(get, path = "/api/account/sessions", tag = "session",
    responses((status = 200, body = Vec<WireSession>), (status = 401, body = Problem)))]
pub async fn list(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Vec<WireSession>>, Failure> {
    let account = own_account::read(&app, &person.actor).await?;
    let wire = |session: OpenSession| {
        let OpenSession { id, device, created_at, seen_at } = session;
        WireSession { id, device, created_at, seen_at, current: Some(id) == person.session }
    };
    Ok(Json(account.sessions.into_iter().map(wire).collect()))
}

/// Ends one of one's own sessions, on HTTP and on open sockets.
///
/// # Errors
/// 404 for a session of nobody's or somebody else's.
#[utoipa::path(post, path = "/api/account/sessions/{id}/end", tag = "session",
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn end(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Failure> {
    own_account::end_session(&app, &person.actor, id).await?;
    Ok(DONE)
}

/// Ends every session of one's own but the one that asks.
///
/// # Errors
/// When it cannot be done.
#[utoipa::path(post, path = "/api/account/sessions/end-others", tag = "session",
    responses((status = 204), (status = 401, body = Problem)))]
pub async fn end_others(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<StatusCode, Failure> {
    let used = person.session.ok_or(Error::SignedOut)?;
    own_account::end_others(&app, &person.actor, used).await?;
    Ok(DONE)
}

/// What opens one live socket.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Ticket {
    /// Offered as a protocol of the socket, beside `careline`.
    ticket: String,
}

/// A ticket for one live socket, good for a minute.
///
/// # Errors
/// When it cannot be written.
#[utoipa::path(post, path = "/api/live/ticket", tag = "session",
    responses((status = 200, body = Ticket), (status = 401, body = Problem)))]
pub async fn ticket(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Ticket>, Failure> {
    let session = person.session.ok_or(Error::SignedOut)?;
    Ok(Json(Ticket { ticket: open_socket::write_ticket(&app, &person.actor, session).await? }))
}
