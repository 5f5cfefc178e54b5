//! Deepgram's live transcription: µ-law goes in as it is, interim words come back while they are spoken
//! (<https://developers.deepgram.com/reference/speech-to-text/listen-streaming>). A conversation that breaks is told as an
//! outage; whoever listens begins another and tells it again what it has not said finally.

pub mod wire;

use super::hearing::{EngineSettings, client, converse};
use crate::ports::{
    Outage,
    speech::{Hearing, Listen, Speech},
};
use async_trait::async_trait;
use reqwest::Client;

/// The name this dependency goes by.
const ENGINE: &str = "deepgram";

/// Deepgram, or whatever speaks its wire.
pub struct Deepgram {
    http: Client,
    settings: EngineSettings,
}

impl Deepgram {
    /// An engine. Nothing is sent yet.
    ///
    /// # Errors
    /// `Refused` when the settings make no client.
    pub fn new(settings: EngineSettings) -> Result<Self, Outage> {
        let http = client(&settings.address("listen", ENGINE)?, ENGINE)?;
        Ok(Self { http, settings })
    }
}

#[async_trait]
impl Speech for Deepgram {
    fn name(&self) -> &'static str {
        ENGINE
    }

    async fn listen(&self, wanted: &Listen) -> Result<Hearing, Outage> {
        let mut address = self.settings.address("listen", ENGINE)?;
        let _whole = address.query_pairs_mut().extend_pairs(wire::query(&self.settings.model, wanted.language));
        let authorization = format!("Token {}", self.settings.key_for(wanted));
        converse(&self.http, address, &authorization, wire::Live).await
    }
}
