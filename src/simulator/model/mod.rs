//! The town's model server: the wire of an OpenAI-shaped API with a person at the switch who decides whether it
//! answers well, slowly, wrongly, hostilely or not at all. `GET` and `POST /town/model` are that switch.

pub mod attacks;
mod honest;
mod vectors;
mod wire;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
pub use honest::Material;
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many prompts are kept for the oracle.
const PROMPTS_KEPT: usize = 64;

/// How the model behaves until somebody says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Answers from the passages, with verbatim spans.
    #[default]
    WellBehaved,
    /// The first token comes after five seconds.
    Slow,
    /// Accepts the request and never answers.
    Hang,
    /// 503 before anything is read, as a proxy in front of a dead server says it.
    RefuseConnection,
    /// 500 with an error object.
    Error500,
    /// 429 with an error object.
    Throttled,
    /// Rotates through prose, half an object, broken event-stream data and a web page.
    Garbage,
    /// A valid answer, one byte each second.
    OneByteASecond,
    /// Rotates through every attack in `attacks`.
    Hostile,
}

/// The model server's memory. Clones share it.
#[derive(Clone)]
pub struct ModelState {
    key: Arc<str>,
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    mode: Mode,
    chats: usize,
    embeddings: usize,
    prompts: VecDeque<String>,
}

/// What the oracle sees.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// How it behaves.
    pub mode: Mode,
    /// Chat completions asked for so far.
    pub chats: usize,
    /// Embedding requests so far.
    pub embeddings: usize,
    /// The newest prompts, oldest first: every message and embedded text as received.
    pub prompts: Vec<String>,
}

/// An order to behave in a certain way.
#[derive(Debug, Deserialize)]
struct Order {
    mode: Mode,
}

impl ModelState {
    /// A well-behaved model that accepts this bearer key.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { key: Arc::from(key), desk: Arc::default() }
    }

    /// Changes how it behaves from the next request on.
    pub fn set_mode(&self, mode: Mode) {
        self.desk().mode = mode;
    }

    /// What it did so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let desk = self.desk();
        Report {
            mode: desk.mode,
            chats: desk.chats,
            embeddings: desk.embeddings,
            prompts: desk.prompts.iter().cloned().collect(),
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accepts(&self, authorization: Option<&str>) -> bool {
        authorization.and_then(|value| value.strip_prefix("Bearer ")) == Some(&*self.key)
    }

    fn note_chat(&self, prompt: String) -> (Mode, usize) {
        let mut desk = self.desk();
        let ordinal = desk.chats;
        desk.chats += 1;
        desk.remember(prompt);
        (desk.mode, ordinal)
    }

    fn note_embedding(&self, text: String) -> Mode {
        let mut desk = self.desk();
        desk.embeddings += 1;
        desk.remember(text);
        desk.mode
    }
}

impl Desk {
    fn remember(&mut self, prompt: String) {
        if self.prompts.len() == PROMPTS_KEPT {
            self.prompts.pop_front();
        }
        self.prompts.push_back(prompt);
    }
}

/// The server, to be mounted under the town's listener.
pub fn router(state: ModelState) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(wire::chat))
        .route("/v1/embeddings", post(wire::embeddings))
        .route("/v1/models", get(wire::models))
        .route("/town/model", get(see).post(order))
        .with_state(state)
}

async fn see(State(state): State<ModelState>) -> Json<Report> {
    Json(state.report())
}

async fn order(State(state): State<ModelState>, Json(order): Json<Order>) -> StatusCode {
    state.set_mode(order.mode);
    StatusCode::NO_CONTENT
}
