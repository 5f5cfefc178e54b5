//! OpenAI's Realtime API as a transcriber: a websocket on which µ-law goes in and transcripts come back
//! (<https://platform.openai.com/docs/guides/realtime-transcription>). A conversation that breaks is told as an outage;
//! whoever listens begins another and tells it again what it has not said finally.

pub mod wire;

use super::hearing::{EngineSettings, client, converse};
use crate::ports::{
    Outage,
    speech::{Hearing, Listen, Speech},
};
use async_trait::async_trait;
use reqwest::Client;

/// The name this dependency goes by.
const ENGINE: &str = "openai_realtime";

/// OpenAI's Realtime API, or whatever speaks its wire.
pub struct Realtime {
    http: Client,
    settings: EngineSettings,
}

impl Realtime {
    /// An engine. Nothing is sent yet.
    ///
    /// # Errors
    /// `Refused` when the settings make no client.
    pub fn new(settings: EngineSettings) -> Result<Self, Outage> {
        let http = client(&settings.address("realtime", ENGINE)?, ENGINE)?;
        Ok(Self { http, settings })
    }
}

#[async_trait]
impl Speech for Realtime {
    fn name(&self) -> &'static str {
        ENGINE
    }

    async fn listen(&self, wanted: &Listen) -> Result<Hearing, Outage> {
        let mut address = self.settings.address("realtime", ENGINE)?;
        let _whole = address.query_pairs_mut().append_pair("intent", "transcription");
        let authorization = format!("Bearer {}", self.settings.key_for(wanted));
        let live = wire::Live::new(&self.settings.model, wanted.language);
        converse(&self.http, address, &authorization, live).await
    }
}
