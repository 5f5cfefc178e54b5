//! The live socket of one call: what happens on it, as it happens. It carries news only; every change goes through a
//! form, and whoever misses a message reads the page again. A socket lives no longer than its session and its role.

use super::{
    identity::{self, SignedIn},
    respond::Failure,
    routes::{self, Permit},
};
use crate::{
    app::App,
    domain::ids::{CallId, LegId, OrgId, SessionId},
    error::Error,
    flows::{open_call, open_socket, sign_in},
    live::LiveEvent,
};
use axum::{
    extract::{
        Path, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, Method},
    response::Response,
};
use futures_util::StreamExt;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{MissedTickBehavior, interval, timeout},
};

/// Most bytes of one message from a browser; it has nothing to say, so this is generous.
const MESSAGE_LIMIT: usize = 64 * 1024;
/// Most bytes waiting for a slow browser.
const WRITE_LIMIT: usize = 256 * 1024;
/// How often the session behind an open socket is looked at again: what is revoked ends within a second.
const RECHECK: Duration = Duration::from_millis(500);
/// Every so many looks the browser is told that the socket still lives.
const LOOKS_TO_A_BEAT: u32 = 60;
/// So many looks in a row may fail before the socket closes; while the database is away nothing new is read either.
const MOST_BLIND_LOOKS: u32 = 10;
/// How long one message may take to leave.
const PATIENCE: Duration = Duration::from_secs(10);
/// The word of our sockets; the ticket travels beside it, because an address would be logged.
pub(super) const PROTOCOL: &str = "careline";
/// The close code of a session that is over (RFC 6455, section 7.4.2: 4000 to 4999 are an application's own).
pub(super) const SESSION_OVER: u16 = 4001;
/// The close code of a server that cannot look (RFC 6455 registry: try again later).
pub(super) const TRY_LATER: u16 = 1013;

/// `GET /calls/{id}/live`.
///
/// # Errors
/// 403 from another site's page or without a ticket, 404 for a call of nobody's or another organization.
pub async fn watch(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(call): Path<CallId>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Failure> {
    let (org, session) = (person.actor.org, person.session.ok_or(Error::SignedOut)?);
    if !identity::own_origin(&app, &headers) {
        return Err(Failure(Error::Forbidden));
    }
    open_call::exists(&app, &person.actor, call).await?;
    open_socket::take_ticket(&app, org, session, shown_ticket(&headers)).await?;
    // Watching begins before the upgrade, so nothing is missed between the page and the socket.
    let news = app.live.watch(org, call);
    Ok(upgrade
        .protocols([PROTOCOL])
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_LIMIT)
        .on_upgrade(move |socket| follow(app, Watcher { org, session, call }, news, socket)))
}

/// The ticket among the protocols a browser offers.
pub(super) fn shown_ticket(headers: &HeaderMap) -> &str {
    let offered = headers.get("sec-websocket-protocol").and_then(|value| value.to_str().ok()).unwrap_or_default();
    offered.split(',').map(str::trim).find(|word| *word != PROTOCOL).unwrap_or_default()
}

/// Whose socket it is, and what it watches.
#[derive(Clone, Copy)]
struct Watcher {
    org: OrgId,
    session: SessionId,
    call: CallId,
}

async fn follow(app: Arc<App>, watcher: Watcher, mut news: Receiver<LiveEvent>, mut socket: WebSocket) {
    let mut recheck = interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut blind) = (0_u32, 0_u32);
    let code = loop {
        let message = tokio::select! {
            heard = news.recv() => match heard {
                Ok(event) => serde_json::to_string(&WireEvent::from(&event)).ok(),
                // The watcher fell behind and missed something: it reads the page again.
                Err(RecvError::Lagged(_)) => Some(RELOAD.to_owned()),
                Err(RecvError::Closed) => break TRY_LATER,
            },
            _ = recheck.tick() => match look(&app, watcher).await {
                Ok(()) => {
                    (looks, blind) = (looks.wrapping_add(1), 0);
                    (looks % LOOKS_TO_A_BEAT == 0).then(|| BEAT.to_owned())
                }
                Err(Error::SignedOut | Error::Forbidden | Error::NotFound) => break SESSION_OVER,
                Err(_) if blind >= MOST_BLIND_LOOKS => break TRY_LATER,
                Err(_) => {
                    blind += 1;
                    None
                }
            },
            said = socket.next() => match said {
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        let Some(text) = message else { continue };
        if !matches!(timeout(PATIENCE, socket.send(Message::Text(text.into()))).await, Ok(Ok(()))) {
            return;
        }
    };
    let close = CloseFrame { code, reason: "".into() };
    let _gone = timeout(PATIENCE, socket.send(Message::Close(Some(close)))).await;
}

/// Whether the watcher is still signed in, in a role that may watch, and still reaches the patient of the call.
async fn look(app: &App, watcher: Watcher) -> Result<(), Error> {
    let person = sign_in::look_again(app, watcher.org, watcher.session).await?;
    if !may_watch(&person) {
        return Err(Error::Forbidden);
    }
    open_call::exists(app, &person.actor, watcher.call).await
}

/// Whether the role a person has now still opens the socket's door.
fn may_watch(person: &sign_in::Identity) -> bool {
    let door = routes::door(&Method::GET, "/calls/{id}/live");
    door.is_some_and(|door| match door.permit {
        Permit::Anyone => true,
        Permit::Roles(roles) => person.actor.role().is_some_and(|role| roles.contains(&role)),
    })
}

/// What a browser is told.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum WireEvent<'a> {
    CallMoved,
    Interim { speaker: &'a str, text: &'a str },
    Utterance { speaker: &'a str, text: &'a str },
    Level { leg: LegId, speaker: &'a str, dbfs: i8 },
    TranscriptMoved,
    AssessmentMoved,
    GuidanceShown,
}

impl<'a> From<&'a LiveEvent> for WireEvent<'a> {
    fn from(event: &'a LiveEvent) -> Self {
        match event {
            LiveEvent::CallMoved => Self::CallMoved,
            LiveEvent::Interim { speaker, text } => Self::Interim { speaker, text: text.reveal() },
            LiveEvent::Utterance { speaker, text } => Self::Utterance { speaker, text: text.reveal() },
            LiveEvent::Level { leg, speaker, dbfs } => Self::Level { leg: *leg, speaker, dbfs: *dbfs },
            LiveEvent::TranscriptMoved => Self::TranscriptMoved,
            LiveEvent::AssessmentMoved => Self::AssessmentMoved,
            LiveEvent::GuidanceShown => Self::GuidanceShown,
        }
    }
}

/// Tells a watcher to read the page again.
const RELOAD: &str = r#"{"event":"reload"}"#;
/// Tells a watcher that the socket still lives.
const BEAT: &str = r#"{"event":"beat"}"#;
