//! The media socket: the forked audio of one leg. It carries words of somebody who is ill, so it opens to the carrier's
//! signature, hears only a token that burns, and holds little: one message at a time, nothing written back. Whoever sends
//! much faster than anybody speaks, or everything but audio, is closed.

use super::sockets::Sockets;
use crate::{
    app::App,
    domain::{ids::OrgId, pace::Patience},
    error::Error,
    flows::hear_leg::{self, Attention, Ear},
    ports::phone::MediaNews,
};
use axum::{
    Extension,
    extract::{
        OriginalUri, Path, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until, timeout, timeout_at},
};

/// The largest message: a frame of audio has some 400 bytes.
const LARGEST_MESSAGE: usize = 64 * 1024;
/// Bytes read ahead for each socket.
const READ_AHEAD: usize = 4 * 1024;
/// Bytes that may wait to be written: only answers to pings are.
const WRITE_BEHIND: usize = 16 * 1024;
/// How long a socket may stay without saying which stream it is.
const START_WITHIN: Duration = Duration::from_secs(5);
/// How long a stream may be without audio; the carrier sends silence as audio, fifty times a second.
const QUIET_FOR: Duration = Duration::from_secs(10);
/// How long a farewell may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// Messages that may come at once: a minute of audio, for a machine that stood still and a network that kept what came.
const MOST_AT_ONCE: u32 = 3_000;
/// Messages a second that a stream may go on with: twice as many as somebody speaks.
const MOST_A_SECOND: u32 = 100;
/// Unreadable messages after which a stream is no stream.
const MOST_UNREADABLE: u32 = 50;

/// `GET /hooks/media/{org}`: a socket of the carrier.
pub async fn open(
    State(app): State<Arc<App>>,
    Extension(sockets): Extension<Arc<Sockets>>,
    Path(org): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    if let Err(refusal) = app.media.admit(uri.path(), signature) {
        tracing::warn!(refusal = %refusal, "a media socket was refused");
        return (StatusCode::FORBIDDEN, format!("{refusal}\n")).into_response();
    }
    let Ok(org) = org.parse() else { return StatusCode::NOT_FOUND.into_response() };
    let Some(place) = sockets.place() else {
        tracing::warn!("no place for a media socket");
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response();
    };
    upgrade
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .read_buffer_size(READ_AHEAD)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BEHIND)
        .on_upgrade(move |socket| attend(app, org, socket, (sockets, place)))
}

/// Hears one socket from its first message to its last.
async fn attend(
    app: Arc<App>,
    org: OrgId,
    mut socket: WebSocket,
    (sockets, _place): (Arc<Sockets>, OwnedSemaphorePermit),
) {
    let begun = match started(&app, &mut socket).await {
        Some(start) => hear_leg::begin(&app, org, &start.token, &start.stream_sid, &start.sid).await,
        None => Err(Error::Forbidden),
    };
    let mut ear = match begun {
        Ok(ear) => ear,
        Err(Error::Forbidden) => {
            tracing::warn!(org = %org, "a media socket did not say which stream it is");
            return close(&mut socket, close_code::POLICY, "no such stream").await;
        }
        Err(error) => {
            tracing::warn!(org = %org, error = %error, "a stream was not begun");
            return close(&mut socket, close_code::AGAIN, "try again later").await;
        }
    };
    let (code, why) = listen(&app, &mut socket, &mut ear, &sockets).await;
    // The words heard so far matter more than good manners: the farewell must not hold them up.
    tokio::join!(ear.end(), close(&mut socket, code, why));
}

/// How a stream names itself.
struct Start {
    stream_sid: String,
    sid: String,
    token: String,
}

/// Waits for the stream's start: `connected` may come before it, and nothing else.
async fn started(app: &App, socket: &mut WebSocket) -> Option<Start> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        match timeout_at(deadline, socket.recv()).await {
            Ok(Some(Ok(Message::Text(text)))) => match app.media.read(text.as_str()) {
                Ok(MediaNews::Connected) => {}
                Ok(MediaNews::Start { stream_sid, sid, token }) => return Some(Start { stream_sid, sid, token }),
                Ok(MediaNews::Audio { .. } | MediaNews::Other | MediaNews::Stop) | Err(_) => return None,
            },
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None) | Err(_) => return None,
        }
    }
}

/// Hears until the stream is over; how the socket is closed, and why.
async fn listen(app: &App, socket: &mut WebSocket, ear: &mut Ear, sockets: &Sockets) -> (u16, &'static str) {
    let mut unreadable = 0_u32;
    let mut pace = Pace::of(app.settings.patience);
    let mut last_audio = Instant::now();
    // One timer for the whole stream: it is put off when it rings, not with every frame.
    let mut silence = pin!(sleep_until(last_audio + QUIET_FOR));
    loop {
        let received = tokio::select! {
            biased;
            received = socket.recv() => received,
            () = silence.as_mut() => {
                if last_audio.elapsed() >= QUIET_FOR {
                    return (close_code::AGAIN, "no audio");
                }
                silence.as_mut().reset(last_audio + QUIET_FOR);
                continue;
            }
        };
        let now = Instant::now();
        if sockets.is_cut() {
            return (close_code::RESTART, "heard elsewhere from now on");
        }
        if !pace.allows(now) {
            return (close_code::AGAIN, "too fast");
        }
        let text = match received {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Binary(_))) => return (close_code::UNSUPPORTED, "text only"),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return (close_code::NORMAL, "goodbye"),
        };
        let Ok(news) = app.media.read(text.as_str()) else {
            unreadable = unreadable.saturating_add(1);
            if unreadable > MOST_UNREADABLE {
                return (close_code::POLICY, "not a media stream");
            }
            continue;
        };
        if matches!(news, MediaNews::Audio { .. }) {
            last_audio = now;
        }
        match ear.hear(news, app.clock.now()) {
            Attention::Listening => {}
            Attention::Over => return (close_code::NORMAL, "over"),
        }
    }
}

/// How fast messages may come.
struct Pace {
    left: u32,
    since: Instant,
    at_once: u32,
    each: Duration,
}

impl Pace {
    fn of(patience: Patience) -> Self {
        let at_once = MOST_AT_ONCE.saturating_mul(patience.0);
        let each = Duration::from_secs(1) / MOST_A_SECOND.saturating_mul(patience.0).max(1);
        Self { left: at_once, since: Instant::now(), at_once, each }
    }

    /// Counts one message; whether it may come now.
    fn allows(&mut self, now: Instant) -> bool {
        if self.left <= self.at_once / 2 {
            let waited = now.saturating_duration_since(self.since).as_nanos() / self.each.as_nanos().max(1);
            self.left = self.left.saturating_add(u32::try_from(waited).unwrap_or(u32::MAX)).min(self.at_once);
            self.since = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

async fn close(socket: &mut WebSocket, code: u16, why: &'static str) {
    let frame = CloseFrame { code, reason: why.into() };
    // Whoever does not take the farewell is cut off.
    let _ = timeout(CLOSE_WITHIN, socket.send(Message::Close(Some(frame)))).await;
}
