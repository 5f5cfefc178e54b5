//! The town's engines that hear: the wires of Deepgram's live transcription, of OpenAI's Realtime API and of OpenAI-shaped
//! transcription servers, with ears for the tones in which townspeople speak. Each conversation can be told to go wrong in a
//! way of its own.

mod deepgram;
mod ear;
mod realtime;
mod session;
mod transcriptions;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How an engine conducts itself in one conversation. Words are counted as they are heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// As its makers promise.
    #[default]
    Well,
    /// Hangs up after so many words, in the middle of what is said.
    HangsUpAfter(usize),
    /// Takes all audio and says nothing more after so many words.
    StallsAfter(usize),
    /// Says something that is no message after so many words.
    BabblesAfter(usize),
    /// Says a message of two megabytes after so many words.
    RoarsAfter(usize),
    /// Keeps what is final to itself until the conversation ends.
    HoldsFinals,
    /// Tells what is final of two utterances in the wrong order.
    SwapsFinals,
    /// Refuses the conversation with this status.
    Refuses(u16),
    /// Thinks for so long before everything it says.
    Thinks(Duration),
}

/// What the town saw of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationSeen {
    /// On which wire: `deepgram`, `realtime` or `transcriptions`.
    pub wire: &'static str,
    /// The language that was asked for, in the words of the wire.
    pub language: String,
    /// The model that was asked for.
    pub model: String,
    /// How much audio came, in bytes of µ-law.
    pub audio_bytes: usize,
    /// How often the other side said that it was still there.
    pub signs_of_life: usize,
    /// Whether the other side asked for the last words.
    pub was_asked_to_end: bool,
}

/// The engines' memory. Clones share it.
#[derive(Clone)]
pub struct SpeechState {
    key: Arc<str>,
    desk: Arc<Mutex<Desk>>,
    version: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct Desk {
    next: VecDeque<Conduct>,
    always: Conduct,
    seen: Vec<ConversationSeen>,
}

impl SpeechState {
    /// Well-behaved engines that accept this key.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { key: Arc::from(key), desk: Arc::default(), version: Arc::new(watch::Sender::new(0)) }
    }

    /// How the next conversations go, one after the other; afterwards they go as ever.
    pub fn conduct_next(&self, conducts: &[Conduct]) {
        self.desk().next.extend(conducts);
    }

    /// How every conversation goes from now on.
    pub fn conduct_always(&self, conduct: Conduct) {
        self.desk().always = conduct;
    }

    /// The conversations so far.
    #[must_use]
    pub fn seen(&self) -> Vec<ConversationSeen> {
        self.desk().seen.clone()
    }

    /// Waits until the conversations are as somebody wants to see them.
    pub async fn until(&self, wanted: impl Fn(&[ConversationSeen]) -> bool + Send) {
        let mut version = self.version.subscribe();
        loop {
            version.mark_unchanged();
            if wanted(&self.desk().seen) || version.changed().await.is_err() {
                return;
            }
        }
    }

    fn accepts(&self, headers: &HeaderMap, scheme: &str) -> bool {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        authorization.and_then(|value| value.strip_prefix(scheme)) == Some(&*self.key)
    }

    /// A conversation begins: how it goes, and its place among those seen.
    fn begin(&self, seen: ConversationSeen) -> (Conduct, usize) {
        let mut desk = self.desk();
        let conduct = desk.next.pop_front().unwrap_or(desk.always);
        desk.seen.push(seen);
        let place = desk.seen.len() - 1;
        drop(desk);
        self.version.send_modify(|version| *version += 1);
        (conduct, place)
    }

    fn note(&self, place: usize, change: impl FnOnce(&mut ConversationSeen)) {
        if let Some(seen) = self.desk().seen.get_mut(place) {
            change(seen);
        }
        self.version.send_modify(|version| *version += 1);
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The servers, to be mounted under the town's listener.
pub fn router(state: SpeechState) -> Router {
    Router::new()
        .route("/v1/listen", get(deepgram::listen))
        .route("/v1/realtime", get(realtime::listen))
        .route("/v1/audio/transcriptions", post(transcriptions::transcribe))
        .with_state(state)
}

fn refusal(status: u16) -> Response {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
