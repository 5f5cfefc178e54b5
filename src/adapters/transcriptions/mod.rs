//! Any server with OpenAI's `/audio/transcriptions` (<https://platform.openai.com/docs/api-reference/audio>): OpenAI itself, or
//! an open model on the ward's own machine. It hears recordings and not conversations, so what is said is cut at pauses and
//! each piece goes in as a small recording: words come a moment after each pause, and no interim words come at all.

mod pieces;
pub mod wire;

use super::hearing::{EngineSettings, client, ends, kind_of, kind_of_status};
use crate::ports::{
    Outage, OutageKind,
    speech::{Heard, Hearing, Listen, Sound, Speech},
};
use async_trait::async_trait;
use pieces::{Cutter, Piece};
use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};
use url::Url;

/// The name this dependency goes by.
const ENGINE: &str = "transcriptions";
/// How long one piece may take to be transcribed.
const PIECE_WITHIN: Duration = Duration::from_secs(8);
/// Pieces that wait for the one on its way; a server that is further behind does not keep up.
const MOST_WAITING: usize = 4;
/// Longest reply, in bytes.
const REPLY_MOST: usize = 256 * 1024;

/// A server that transcribes recordings.
pub struct Transcriptions {
    http: Client,
    address: Url,
    settings: EngineSettings,
}

impl Transcriptions {
    /// An engine. Nothing is sent yet.
    ///
    /// # Errors
    /// `Refused` when the settings make no client.
    pub fn new(settings: EngineSettings) -> Result<Self, Outage> {
        let address = settings.address("audio/transcriptions", ENGINE)?;
        let http = client(&address, ENGINE)?;
        Ok(Self { http, address, settings })
    }
}

#[async_trait]
impl Speech for Transcriptions {
    fn name(&self) -> &'static str {
        ENGINE
    }

    async fn listen(&self, wanted: &Listen) -> Result<Hearing, Outage> {
        let (hearing, sounds, tell) = ends();
        let desk = Desk {
            http: self.http.clone(),
            address: self.address.clone(),
            authorization: format!("Bearer {}", self.settings.key_for(wanted)),
            fields: wire::fields(&self.settings.model, wanted.language),
        };
        tokio::spawn(desk.run(sounds, tell).with_subscriber(NoSubscriber::default()));
        Ok(hearing)
    }
}

/// One leg's pieces on their way.
struct Desk {
    http: Client,
    address: Url,
    authorization: String,
    fields: Vec<(&'static str, String)>,
}

impl Desk {
    async fn run(self, sounds: mpsc::Receiver<Sound>, tell: mpsc::Sender<Result<Heard, Outage>>) {
        let (piece, pieces) = mpsc::channel(MOST_WAITING);
        let cut = async {
            cut(sounds, piece).await;
            Ok(())
        };
        tokio::select! {
            () = tell.closed() => {}
            outcome = async { tokio::try_join!(cut, self.post_all(pieces, &tell)) } => {
                if let Err(kind) = outcome {
                    let _gone = tell.send(Err(Outage { dependency: ENGINE, kind })).await;
                }
            }
        }
    }

    async fn post_all(
        &self,
        mut pieces: mpsc::Receiver<Piece>,
        tell: &mpsc::Sender<Result<Heard, Outage>>,
    ) -> Result<(), OutageKind> {
        while let Some(piece) = pieces.recv().await {
            let posted = tokio::time::timeout(PIECE_WITHIN, self.post(&piece)).await;
            if let Some(heard) = posted.map_err(|_| OutageKind::TimedOut)?? {
                // Whoever listened is gone; then nobody waits for an error either.
                let _gone = tell.send(Ok(heard)).await;
            }
        }
        Ok(())
    }

    async fn post(&self, piece: &Piece) -> Result<Option<Heard>, OutageKind> {
        let (kind, body) = wire::form(&self.fields, &piece.ulaw);
        let request = self
            .http
            .post(self.address.clone())
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, kind)
            .body(body);
        let mut response = request.send().await.map_err(|error| kind_of(&error))?;
        if !response.status().is_success() {
            return Err(kind_of_status(response.status()));
        }
        let mut reply = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| kind_of(&error))? {
            reply.extend_from_slice(&chunk);
            if reply.len() > REPLY_MOST {
                return Err(OutageKind::Garbled);
            }
        }
        wire::read(&reply, piece.from_ms, piece.to_ms)
    }
}

/// Cuts what comes in. It ends when the audio ends or nobody takes pieces any more.
async fn cut(mut sounds: mpsc::Receiver<Sound>, piece: mpsc::Sender<Piece>) {
    let mut cutter = Cutter::default();
    while let Some(sound) = sounds.recv().await {
        // A server that does not keep up lets the audio's own channel fill: whoever listens sees that.
        if let Some(next) = cutter.take(sound)
            && piece.send(next).await.is_err()
        {
            return;
        }
    }
    if let Some(last) = cutter.finish() {
        let _gone = piece.send(last).await;
    }
}
