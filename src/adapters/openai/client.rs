//! The client: one request, streamed, with a limit on the first token, on the whole and on the length. It never
//! repeats a request by itself: a late second answer helps no nurse.

use super::{
    breaker::Breaker,
    wire::{chat_request, embedding_request, error_of, is_stream, kind_of, outage, well_formed, words_of},
};
use crate::domain::destination::is_loopback;
use crate::ports::{
    Outage, OutageKind,
    embeddings::Embeddings,
    llm::{Completion, Llm, ModelKey, Prompt},
};
use async_openai::{
    Client,
    config::OpenAIConfig,
    error::OpenAIError,
    middleware::{HttpRequestFactory, ReqwestService},
};
use async_trait::async_trait;
use futures_util::StreamExt;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tower::{ServiceExt, service_fn};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

/// Longest wait for the first words of a reply.
const FIRST_TOKEN: Duration = Duration::from_millis(1_500);
/// Longest wait for a whole reply.
const WHOLE: Duration = Duration::from_secs(8);
/// Longest wait for the vector of a question; without it the search goes by words.
const QUESTION_VECTOR: Duration = Duration::from_secs(1);
/// Longest wait for the vectors of a batch of passages.
const BATCH_VECTORS: Duration = Duration::from_secs(20);
/// Longest reply, in bytes.
const REPLY_MOST: usize = 65_536;
/// Most tokens of instructions and material together.
const PROMPT_TOKENS: usize = 6_000;
/// Texts in one embedding request.
const BATCH: usize = 64;

/// Where the model is and what it is called.
pub struct Settings {
    /// The base URL up to and with the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The bearer key.
    pub key: String,
    /// The chat model, pinned.
    pub chat_model: String,
    /// The embedding model, pinned.
    pub embedding_model: String,
}

/// A model behind the OpenAI wire.
pub struct OpenAi {
    http: reqwest::Client,
    base_url: String,
    key: String,
    chat_model: String,
    embedding_model: String,
    chat_fuse: Breaker,
    embedding_fuse: Breaker,
}

impl OpenAi {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    /// When the settings cannot make a client: `Refused` with what is wrong with them.
    pub fn new(settings: Settings) -> Result<Self, Outage> {
        let refused = |code: &str| outage(OutageKind::Refused(code.to_owned()));
        let base = url::Url::parse(&settings.base_url).map_err(|_| refused("bad_base_url"))?;
        if reqwest::header::HeaderValue::from_str(&settings.key).is_err() {
            return Err(refused("bad_key"));
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(FIRST_TOKEN)
            // The limit that ends a stream nobody reads any more.
            .timeout(BATCH_VECTORS)
            .redirect(reqwest::redirect::Policy::none());
        // A proxy of the environment must not be asked for an address of this machine.
        if is_loopback(&base) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|_| refused("no_tls"))?;
        Ok(Self {
            http,
            base_url: settings.base_url.trim_end_matches('/').to_owned(),
            key: settings.key,
            chat_model: settings.chat_model,
            embedding_model: settings.embedding_model,
            chat_fuse: Breaker::default(),
            embedding_fuse: Breaker::default(),
        })
    }

    /// The library's client under a key. Connections are shared, whoever asks.
    fn client(&self, key: &ModelKey) -> Client<OpenAIConfig> {
        let key = match key {
            ModelKey::Configured => &self.key,
            ModelKey::Own(key) => key.reveal(),
        };
        let config = OpenAIConfig::new()
            .with_api_base(self.base_url.as_str())
            .with_api_key(key.as_str())
            .with_org_id("")
            .with_project_id("");
        let http = self.http.clone();
        // Without this service the library would repeat failed requests and log the provider's error texts.
        let service = service_fn(move |request: HttpRequestFactory| {
            let transport = ReqwestService::new(http.clone());
            async move {
                let response = transport.oneshot(request).await?;
                if !response.status().is_success() {
                    return Err(error_of(response).await);
                }
                Ok(if is_stream(&response) { well_formed(response) } else { response })
            }
        });
        Client::with_config(config).with_http_service::<_>(service)
    }

    async fn streamed(&self, prompt: &Prompt, key: &ModelKey) -> Result<Completion, Outage> {
        let started = Instant::now();
        let request = chat_request(&self.chat_model, prompt);
        let client = self.client(key);
        let chat = client.chat();
        let opened = timeout(FIRST_TOKEN, chat.create_stream(request)).await.map_err(|_| late())?;
        let mut stream = opened.map_err(|error| outage(kind_of(&error)))?;
        let mut completion = Completion { text: String::new(), model: String::new() };
        loop {
            let limit = if completion.text.is_empty() { FIRST_TOKEN } else { WHOLE };
            let next = timeout(limit.saturating_sub(started.elapsed()), stream.next()).await.map_err(|_| late())?;
            let Some(event) = next else { break };
            let event = event.map_err(|error| outage(kind_of(&error)))?;
            completion.text.push_str(words_of(&event).unwrap_or_default());
            completion.model = event.model;
            if completion.text.len() > REPLY_MOST {
                return Err(outage(OutageKind::Garbled));
            }
        }
        if completion.text.is_empty() { Err(outage(OutageKind::Garbled)) } else { Ok(completion) }
    }

    async fn vectors(&self, texts: &[String], key: &ModelKey) -> Result<Vec<Vec<f32>>, Outage> {
        let limit = if texts.len() == 1 { QUESTION_VECTOR } else { BATCH_VECTORS };
        let request = embedding_request(&self.embedding_model, texts);
        let client = self.client(key);
        let embeddings = client.embeddings();
        let reply = timeout(limit, embeddings.create(request)).await.map_err(|_| late())?;
        let mut entries = reply.map_err(|error: OpenAIError| outage(kind_of(&error)))?.data;
        entries.sort_by_key(|entry| entry.index);
        let vectors: Vec<Vec<f32>> = entries.into_iter().map(|entry| entry.embedding).collect();
        let length = vectors.first().map_or(0, Vec::len);
        let is_whole = vectors.len() == texts.len()
            && length > 0
            && vectors.iter().all(|vector| vector.len() == length && vector.iter().all(|value| value.is_finite()));
        if is_whole { Ok(vectors) } else { Err(outage(OutageKind::Garbled)) }
    }
}

#[async_trait]
impl Llm for OpenAi {
    async fn complete(&self, prompt: &Prompt, key: &ModelKey) -> Result<Completion, Outage> {
        if !self.chat_fuse.is_closed(Instant::now()) {
            return Err(outage(OutageKind::Unreachable));
        }
        if tokens(prompt).await? > PROMPT_TOKENS {
            return Err(outage(OutageKind::Refused("prompt_too_long".to_owned())));
        }
        let outcome = self.streamed(prompt, key).with_subscriber(NoSubscriber::default()).await;
        if concerns_everybody(key, &outcome) {
            self.chat_fuse.note(&outcome, Instant::now());
        }
        outcome
    }
}

#[async_trait]
impl Embeddings for OpenAi {
    async fn embed(&self, texts: &[String], key: &ModelKey) -> Result<Vec<Vec<f32>>, Outage> {
        if !self.embedding_fuse.is_closed(Instant::now()) {
            return Err(outage(OutageKind::Unreachable));
        }
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            // The library logs replies that it cannot read; nobody may listen.
            let outcome = self.vectors(batch, key).with_subscriber(NoSubscriber::default()).await;
            if concerns_everybody(key, &outcome) {
                self.embedding_fuse.note(&outcome, Instant::now());
            }
            vectors.extend(outcome?);
        }
        let length = vectors.first().map_or(0, Vec::len);
        if vectors.iter().all(|vector| vector.len() == length) { Ok(vectors) } else { Err(outage(OutageKind::Garbled)) }
    }
}

/// Whether an outcome says something about the server, and not only about one organization's own account there.
const fn concerns_everybody<T>(key: &ModelKey, outcome: &Result<T, Outage>) -> bool {
    !matches!(
        (key, outcome),
        (ModelKey::Own(_), Err(Outage { kind: OutageKind::Refused(_) | OutageKind::Throttled, .. }))
    )
}

const fn late() -> Outage {
    outage(OutageKind::TimedOut)
}

/// Tokens of a prompt. The encoding takes a tenth of a second to load the first time, so not on a worker of the runtime.
async fn tokens(prompt: &Prompt) -> Result<usize, Outage> {
    let text = format!("{}{}", prompt.instructions, prompt.material);
    tokio::task::spawn_blocking(move || tiktoken_rs::o200k_base_singleton().encode_ordinary(&text).len())
        .await
        .map_err(|_| outage(OutageKind::Broken))
}
