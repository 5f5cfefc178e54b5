//! The live socket of one call: what happens on it, as it happens. It carries news only; every change goes through a
//! form, and whoever misses a message reads the page again.

use super::{
    identity::{self, SignedIn},
    respond::Failure,
};
use crate::{
    app::App,
    domain::ids::{CallId, OrgId, SessionId},
    error::Error,
    flows::{open_call, sign_in},
    live::LiveEvent,
};
use axum::{
    extract::{
        Path, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::Response,
};
use futures_util::StreamExt;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{MissedTickBehavior, interval, timeout},
};

/// Most bytes of one message from a browser; it has nothing to say, so this is generous.
const MESSAGE_LIMIT: usize = 64 * 1024;
/// Most bytes waiting for a slow browser.
const WRITE_LIMIT: usize = 256 * 1024;
/// How often the session behind an open socket is looked at again.
const RECHECK: Duration = Duration::from_mins(1);
/// How long one message may take to leave.
const PATIENCE: Duration = Duration::from_secs(10);

/// `GET /calls/{id}/live`.
///
/// # Errors
/// 403 from another site's page, 404 for a call of nobody's or another organization.
pub async fn watch(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(call): Path<CallId>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Failure> {
    if !identity::same_site(&headers) {
        return Err(Failure(Error::Forbidden));
    }
    open_call::exists(&app, &person.0.actor, call).await?;
    // Watching begins before the upgrade, so nothing is missed between the page and the socket.
    let news = app.live.watch(person.0.actor.org, call);
    let (org, session) = (person.0.actor.org, person.0.session.ok_or(Error::SignedOut)?);
    Ok(upgrade
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_LIMIT)
        .on_upgrade(move |socket| follow(app, org, session, news, socket)))
}

async fn follow(app: Arc<App>, org: OrgId, session: SessionId, mut news: Receiver<LiveEvent>, mut socket: WebSocket) {
    let mut recheck = interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck.tick().await;
    loop {
        let message = tokio::select! {
            heard = news.recv() => match heard {
                Ok(event) => serde_json::to_string(&event).ok(),
                // The watcher fell behind and missed something: it reads the page again.
                Err(RecvError::Lagged(_)) => Some(RELOAD.to_owned()),
                Err(RecvError::Closed) => None,
            },
            _ = recheck.tick() => match sign_in::look_again(&app, org, session).await {
                Ok(_) => Some(BEAT.to_owned()),
                Err(_) => None,
            },
            said = socket.next() => match said {
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        let Some(text) = message else { break };
        if !matches!(timeout(PATIENCE, socket.send(Message::Text(text.into()))).await, Ok(Ok(()))) {
            return;
        }
    }
    let _gone = timeout(PATIENCE, socket.send(Message::Close(None))).await;
}

/// Tells a watcher to read the page again.
const RELOAD: &str = r#"{"event":"reload"}"#;
/// Tells a watcher that the socket still lives.
const BEAT: &str = r#"{"event":"beat"}"#;
