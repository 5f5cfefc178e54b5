//! The socket that carries the sound of a live call to somebody who may listen. It opens as the socket of news does, asks
//! several times a second whether all of that still holds, and keeps nothing: what a slow browser does not take is lost.
//!
//! A binary message is some frames of one leg: its side (0 the patient's, 1 ours), a number of the leg on this socket, how many
//! frames were lost before them (two bytes), the millisecond of the leg's stream (four bytes), little end first, then µ-law at
//! 8 kHz. A text message says how it stands.

use super::{
    identity::{self, SignedIn},
    live::{PROTOCOL, SESSION_OVER, TRY_LATER, shown_ticket},
    respond::Failure,
};
use crate::{
    app::App,
    domain::{
        ids::{CallId, LegId, OrgId, SessionId},
        listening::ListeningEnd,
        people::Actor,
        recording::Side,
    },
    error::Error,
    flows::{
        floor::{self, Audible},
        open_call, open_socket, sign_in,
    },
    live::{LiveEvent, air::AiredFrame},
};
use axum::{
    Form,
    extract::{
        Path, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::StreamExt;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, Interval, MissedTickBehavior, interval, timeout},
};

/// Most bytes of one message from a browser; it has nothing to say.
const MESSAGE_LIMIT: usize = 4 * 1024;
/// Most bytes waiting for a slow browser: four seconds of one leg.
const WRITE_LIMIT: usize = 32 * 1024;
/// How often everything that permits listening is looked at again: what is revoked is silent within a second.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// How often what came in goes out.
const SEND_EVERY: Duration = Duration::from_millis(100);
/// How long one message may take to leave before it counts as lost.
const SEND_WITHIN: Duration = Duration::from_millis(150);
/// How long a browser may take nothing at all before it counts as gone.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// Frames of one leg that wait at most: what is older is lost.
const MOST_WAITING: usize = 15;
/// Looks without a leg in this process before the page says so, and before it is given up.
const ELSEWHERE_LOOKS: u32 = 5;
const GIVE_UP_LOOKS: u32 = 75;
/// So many looks in a row may fail before the socket closes; nothing is heard meanwhile.
const MOST_BLIND_LOOKS: u32 = 10;

/// What the buttons send: `begin` or `end`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListenForm {
    part: String,
}

/// `POST /calls/{id}/listen`: begins or ends it. The patient is told, where the organization says so, before anything is heard.
///
/// # Errors
/// `Conflict` when nobody talks, or there is nothing to hear here; `Invalid` for neither button.
pub async fn act(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
    headers: HeaderMap,
    Form(form): Form<ListenForm>,
) -> Result<Response, Failure> {
    match form.part.as_str() {
        "begin" => floor::begin_listening(&app, &person.actor, id).await?,
        "end" => floor::stop_listening(&app, &person.actor, id).await?,
        _ => return Err(Error::Invalid("Choose to listen or to stop.".to_owned()).into()),
    }
    if headers.contains_key("x-careline-part") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Redirect::to(&format!("/calls/{id}#listen")).into_response())
}

/// `GET /calls/{id}/listen`: the socket.
///
/// # Errors
/// 403 from another site's page or without a ticket, 404 for a call of nobody's or another organization.
pub async fn open(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(call): Path<CallId>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Failure> {
    let (actor, session) = (person.actor, person.session.ok_or(Error::SignedOut)?);
    if !identity::own_origin(&app, &headers) {
        return Err(Failure(Error::Forbidden));
    }
    open_call::exists(&app, &actor, call).await?;
    open_socket::take_ticket(&app, actor.org, session, shown_ticket(&headers)).await?;
    let listener = Listener { org: actor.org, session, call, actor };
    Ok(upgrade
        .protocols([PROTOCOL])
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_LIMIT)
        .on_upgrade(move |socket| attend(app, listener, socket)))
}

/// Whose socket it is, and of which call.
struct Listener {
    org: OrgId,
    session: SessionId,
    call: CallId,
    actor: Actor,
}

async fn attend(app: Arc<App>, listener: Listener, mut socket: WebSocket) {
    let mut carriage = Carriage::of(&app, &listener);
    let (how, code) = carriage.carry(&mut socket).await;
    if let Err(error) = floor::stopped_listening(&app, &listener.actor, listener.call, how).await {
        tracing::warn!(cause = %error.cause(), "the end of a listening was not written; the sweep writes it");
    }
    let over = format!(r#"{{"state":"over","how":"{}"}}"#, how.word());
    let _unheard = timeout(SEND_WITHIN, socket.send(Message::Text(over.into()))).await;
    let _gone = timeout(SEND_WITHIN, socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() })))).await;
}

/// How it stands, as the page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The patient is being told.
    Told,
    /// Something is heard.
    Hears,
    /// Everybody is on hold or muted, or we cannot look.
    Silent,
    /// No leg of it is heard in this process.
    Elsewhere,
}

impl Standing {
    const fn message(self) -> &'static str {
        match self {
            Self::Told => r#"{"state":"told"}"#,
            Self::Hears => r#"{"state":"hears"}"#,
            Self::Silent => r#"{"state":"silent"}"#,
            Self::Elsewhere => r#"{"state":"elsewhere"}"#,
        }
    }
}

/// Frames of one leg on their way to the browser.
struct Waiting {
    leg: LegId,
    number: u8,
    side: Side,
    frames: Vec<AiredFrame>,
    lost: u16,
}

/// What is carried on one socket.
struct Carriage<'a> {
    app: &'a App,
    listener: &'a Listener,
    news: Receiver<LiveEvent>,
    frames: Option<Receiver<AiredFrame>>,
    /// The legs that may be heard at this instant.
    audible: Vec<LegId>,
    waiting: Vec<Waiting>,
    said: Option<Standing>,
    absent: u32,
    blind: u32,
    left_at: Instant,
}

/// What happens next.
enum Next {
    Frame(Result<AiredFrame, RecvError>),
    Look,
    Send,
    Ignored,
    Closed,
}

type End = (ListeningEnd, u16);

impl<'a> Carriage<'a> {
    fn of(app: &'a App, listener: &'a Listener) -> Self {
        Self {
            app,
            listener,
            news: app.live.watch(listener.org, listener.call),
            frames: None,
            audible: Vec::new(),
            waiting: Vec::new(),
            said: None,
            absent: 0,
            blind: 0,
            left_at: Instant::now(),
        }
    }

    /// Carries until there is a reason to end.
    async fn carry(&mut self, socket: &mut WebSocket) -> End {
        let (mut looks, mut sends) = (every(LOOK_EVERY), every(SEND_EVERY));
        loop {
            let next = tokio::select! {
                biased;
                _ = looks.tick() => Next::Look,
                said = socket.next() => match said {
                    Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => Next::Ignored,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => Next::Closed,
                },
                // Somebody was put on hold, was muted, or left: it is looked at before another frame goes out.
                event = self.news.recv() => match event {
                    Ok(LiveEvent::CallMoved) | Err(RecvError::Lagged(_)) => Next::Look,
                    Ok(_) | Err(RecvError::Closed) => Next::Ignored,
                },
                _ = sends.tick() => Next::Send,
                frame = receive(self.frames.as_mut()) => Next::Frame(frame),
            };
            let end = match next {
                Next::Ignored => None,
                Next::Closed => Some((ListeningEnd::Closed, close_code::NORMAL)),
                Next::Look => self.look(socket).await,
                Next::Send => self.send_waiting(socket).await,
                Next::Frame(frame) => {
                    self.take(frame);
                    None
                }
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn take(&mut self, frame: Result<AiredFrame, RecvError>) {
        match frame {
            Ok(frame) if self.audible.contains(&frame.leg) => self.keep(frame),
            Ok(_) => {}
            Err(RecvError::Lagged(frames)) => {
                for waiting in &mut self.waiting {
                    waiting.lost = waiting.lost.saturating_add(u16::try_from(frames).unwrap_or(u16::MAX));
                }
            }
            Err(RecvError::Closed) => self.frames = None,
        }
    }

    fn keep(&mut self, frame: AiredFrame) {
        if !self.waiting.iter().any(|waiting| waiting.leg == frame.leg) {
            let number = u8::try_from(self.waiting.len()).unwrap_or(u8::MAX);
            let (leg, side) = (frame.leg, frame.side);
            self.waiting.push(Waiting { leg, number, side, frames: Vec::new(), lost: 0 });
        }
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.leg == frame.leg) {
            if waiting.frames.len() >= MOST_WAITING {
                let _oldest = waiting.frames.remove(0);
                waiting.lost = waiting.lost.saturating_add(1);
            }
            waiting.frames.push(frame);
        }
    }

    /// Whether everything that permits listening still holds, and what may be heard by it.
    async fn look(&mut self, socket: &mut WebSocket) -> Option<End> {
        let audible = match self.ask().await {
            Ok(audible) => audible,
            Err(Error::SignedOut | Error::Forbidden | Error::NotFound) => {
                return Some((ListeningEnd::CutOff, SESSION_OVER));
            }
            // Who cannot be asked about is not let hear.
            Err(_) if self.blind >= MOST_BLIND_LOOKS => return Some((ListeningEnd::CutOff, TRY_LATER)),
            Err(_) => {
                self.blind = self.blind.saturating_add(1);
                Audible::Legs(Vec::new())
            }
        };
        let (audible, standing) = match audible {
            Audible::Over(how) => return Some((how, close_code::NORMAL)),
            Audible::NotYet => (Vec::new(), Standing::Told),
            Audible::Legs(legs) if legs.is_empty() => (legs, Standing::Silent),
            Audible::Legs(legs) => (legs, Standing::Hears),
        };
        self.audible = audible;
        let audible = &self.audible;
        self.waiting.iter_mut().filter(|waiting| !audible.contains(&waiting.leg)).for_each(|one| one.frames.clear());
        if self.frames.is_none() {
            self.frames = self.app.live.air.tune_in(self.listener.org, self.listener.call);
        }
        self.absent = if self.frames.is_some() { 0 } else { self.absent.saturating_add(1) };
        if self.absent > GIVE_UP_LOOKS {
            return Some((ListeningEnd::NotHere, close_code::NORMAL));
        }
        let standing = if self.absent >= ELSEWHERE_LOOKS { Standing::Elsewhere } else { standing };
        if self.said != Some(standing) {
            let told = timeout(SEND_WITHIN, socket.send(Message::Text(standing.message().into()))).await;
            // What did not get through is said again at the next look.
            self.said = told.is_ok().then_some(standing);
        }
        None
    }

    async fn ask(&mut self) -> Result<Audible, Error> {
        let person = sign_in::look_again(self.app, self.listener.org, self.listener.session).await?;
        let audible = floor::look_what_is_audible(self.app, &person.actor, self.listener.call).await?;
        self.blind = 0;
        Ok(audible)
    }

    /// Sends what has come in. A browser that does not take it loses it; one that takes nothing for long is gone.
    async fn send_waiting(&mut self, socket: &mut WebSocket) -> Option<End> {
        for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.frames.is_empty()) {
            let frames = u16::try_from(waiting.frames.len()).unwrap_or(u16::MAX);
            let message = waiting.message();
            waiting.frames.clear();
            match timeout(SEND_WITHIN, socket.send(Message::Binary(message.into()))).await {
                Ok(Ok(())) => (waiting.lost, self.left_at) = (0, Instant::now()),
                Ok(Err(_)) => return Some((ListeningEnd::Closed, close_code::NORMAL)),
                Err(_) => waiting.lost = waiting.lost.saturating_add(frames),
            }
        }
        let is_idle = self.waiting.iter().all(|waiting| waiting.lost == 0);
        if is_idle {
            self.left_at = Instant::now();
        }
        (self.left_at.elapsed() >= GONE_AFTER).then_some((ListeningEnd::Closed, close_code::NORMAL))
    }
}

impl Waiting {
    fn message(&self) -> Vec<u8> {
        let at_ms = self.frames.first().map_or(0, |frame| frame.at_ms);
        let side = match self.side {
            Side::Left => 0,
            Side::Right => 1,
        };
        let mut message = vec![side, self.number];
        message.extend(self.lost.to_le_bytes());
        // A leg's milliseconds begin again after seven weeks.
        message.extend(u32::try_from(at_ms & u64::from(u32::MAX)).unwrap_or(0).to_le_bytes());
        self.frames.iter().for_each(|frame| message.extend_from_slice(&frame.ulaw));
        message
    }
}

async fn receive(frames: Option<&mut Receiver<AiredFrame>>) -> Result<AiredFrame, RecvError> {
    match frames {
        Some(frames) => frames.recv().await,
        None => std::future::pending().await,
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
