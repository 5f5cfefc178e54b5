//! The simulated town: townspeople behind the providers' own wire protocols, and one virtual clock. A house of its
//! own beside ours; the product's production adapters reach it over loopback by base URL.

pub mod carrier;
pub mod clock;
mod listener;
pub mod machines;
pub mod model;
pub mod people;
pub mod speech;
mod surface;

use carrier::Carrier;
use clock::VirtualClock;
use listener::{Cut, CuttableListener};
use model::ModelState;
use people::TownPlan;
use speech::SpeechState;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// How a town is set up.
pub struct TownSettings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who lives there.
    pub plan: TownPlan,
    /// The carrier account that may use it.
    pub account_sid: String,
    /// That account's token: password of the API and key of the signatures.
    pub auth_token: String,
    /// Key of the model server and of the engines that hear, which listen at the same address under `/v1`.
    pub model_key: String,
    /// What time it is.
    pub clock: Arc<VirtualClock>,
}

/// Why a town cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum TownFault {
    /// The address cannot be listened on.
    #[error("the town cannot listen on {at}: {why}")]
    Address {
        /// The address.
        at: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
    /// The carrier's own HTTP client cannot be made.
    #[error("the town's carrier cannot make requests: {0}")]
    Client(#[from] reqwest::Error),
}

/// A town that is open.
pub struct Town {
    at: SocketAddr,
    carrier: Carrier,
    model: ModelState,
    speech: SpeechState,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl Town {
    /// Opens a town.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn start(settings: TownSettings) -> Result<Self, TownFault> {
        let listen = settings.listen;
        let address = |why| TownFault::Address { at: listen, why };
        let listener = TcpListener::bind(listen).await.map_err(address)?;
        let at = listener.local_addr().map_err(address)?;
        let carrier = Carrier::new(settings.account_sid, settings.auth_token, settings.clock, settings.plan)?;
        let model = ModelState::new(&settings.model_key);
        let speech = SpeechState::new(&settings.model_key);
        let routes = carrier::routes(&carrier)
            .merge(surface::routes(&carrier))
            .merge(model::router(model.clone()))
            .merge(speech::router(speech.clone()));
        let service = routes.into_make_service_with_connect_info::<Cut>();
        let server = tokio::spawn(async move {
            // This serves until it is aborted; it does not fail.
            let _ = axum::serve(CuttableListener(listener), service).await;
        });
        Ok(Self { at, carrier, model, speech, server: Mutex::new(Some(server)) })
    }

    /// Where the town listens, such as `http://127.0.0.1:4010`: base URL of the carrier's API, of the model server's
    /// `/v1` and of `/town`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The carrier, to look at what really happened.
    #[must_use]
    pub const fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// The model server, to see what it was asked and to make it misbehave.
    #[must_use]
    pub const fn model(&self) -> &ModelState {
        &self.model
    }

    /// The engines that hear, to see what they were asked and to make them misbehave.
    #[must_use]
    pub const fn speech(&self) -> &SpeechState {
        &self.speech
    }

    /// Closes the town: every call ends, nothing listens any more.
    pub fn stop(&self) {
        self.carrier.hang_up_everything();
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.abort();
        }
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.stop();
    }
}
