//! Protections of the carrier's door taken away on purpose: each must be noticed, or a run proves nothing.

use super::acks::Door;
use crate::{
    app::App,
    bench::{Broken, town_ground::TownGround},
    domain::{
        credential::BrowserKey,
        ids::{AttemptId, OrgId},
        line::{BrowserId, Line},
        people::PhoneNumber,
        private::Private,
        script::Speech,
    },
    flows::follow_call,
    ports::{
        Outage,
        phone::{Accepted, CarrierCall, CarrierNews, CarrierSid, Dial, Fork, Hook, HookRefusal, Instruction, Phone},
    },
};
use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use chrono::{DateTime, Utc};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

/// A telephone that believes whatever can be read, signed or not.
pub struct Gullible {
    inner: Arc<dyn Phone>,
    forger: super::letters::Sender,
}

impl Gullible {
    /// In the place of a telephone whose token is known.
    #[must_use]
    pub fn instead_of(inner: Arc<dyn Phone>, forger: super::letters::Sender) -> Arc<Self> {
        Arc::new(Self { inner, forger })
    }
}

#[async_trait]
impl Phone for Gullible {
    async fn place(&self, dial: &Dial) -> Result<Accepted, Outage> {
        self.inner.place(dial).await
    }

    async fn find(&self, to: &Line, from: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<CarrierCall>, Outage> {
        self.inner.find(to, from, since).await
    }

    async fn fetch(&self, sid: &CarrierSid) -> Result<CarrierCall, Outage> {
        self.inner.fetch(sid).await
    }

    async fn end(&self, sid: &CarrierSid, parting: Option<&Speech>) -> Result<(), Outage> {
        self.inner.end(sid, parting).await
    }

    async fn ask_anew(&self, org: OrgId, attempt: AttemptId, sid: &CarrierSid) -> Result<(), Outage> {
        self.inner.ask_anew(org, attempt, sid).await
    }

    async fn fork(&self, sid: &CarrierSid, fork: &Fork) -> Result<(), Outage> {
        self.inner.fork(sid, fork).await
    }

    async fn connect(&self, org: OrgId, number: &PhoneNumber) -> Result<(), Outage> {
        self.inner.connect(org, number).await
    }

    fn browser_pass(&self, key: &BrowserKey, browser: &BrowserId, now: DateTime<Utc>) -> Option<Private<String>> {
        self.inner.browser_pass(key, browser, now)
    }

    fn hear(&self, hook: &Hook<'_>) -> Result<CarrierNews, HookRefusal> {
        let fields = url::form_urlencoded::parse(hook.body).into_owned().collect();
        let signature = self.forger.sign(hook.path_and_query, &fields);
        self.inner.hear(&Hook { signature: Some(&signature), ..*hook })
    }

    fn tell_caller(&self, org: OrgId, told: &[Speech]) -> Instruction {
        self.inner.tell_caller(org, told)
    }

    fn instruct(&self, org: OrgId, attempt: AttemptId, speech: &Speech, fork: Option<&Fork>) -> Instruction {
        self.inner.instruct(org, attempt, speech, fork)
    }
}

/// How long after its answer the hasty door follows a letter.
const LATER: Duration = Duration::from_millis(25);

type Owed = Arc<Mutex<JoinSet<()>>>;

/// A door that answers first and follows later. Its death takes what it still owed with it.
pub struct Hasty {
    owed: Owed,
    serving: JoinHandle<()>,
}

impl Hasty {
    /// Opens it where the product would stand.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn open(ground: &TownGround, app: Arc<App>) -> Result<Self, Broken> {
        let listener = TcpListener::bind(ground.config.listen).await.map_err(Broken::of)?;
        let owed = Owed::default();
        let routes = Router::new()
            .route("/hooks/phone/{org}/{attempt}/status", post(answer_first))
            .with_state((app, Arc::clone(&owed)));
        let serving = tokio::spawn(async move {
            let _ended = axum::serve(listener, routes).await;
        });
        Ok(Self { owed, serving })
    }

    /// Ends it.
    pub async fn end(self) {
        self.serving.abort();
        let _ended = self.serving.await;
    }
}

impl Door for Hasty {
    async fn open_again(&mut self) -> Result<(), Broken> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        Ok(())
    }
}

async fn answer_first(
    State((app, owed)): State<(Arc<App>, Owed)>,
    Path((org, attempt)): Path<(OrgId, AttemptId)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    let path_and_query = uri.path_and_query().map_or("/", |whole| whole.as_str());
    let Ok(news) = app.phone.hear(&Hook { path_and_query, signature, body: &body }) else {
        return StatusCode::FORBIDDEN;
    };
    let following = async move {
        tokio::time::sleep(LATER).await;
        // Nobody waits for this any more: that is the fault of this door.
        let _followed = follow_call::status(&app, org, attempt, &news).await;
    };
    owed.lock().unwrap_or_else(PoisonError::into_inner).spawn(following);
    StatusCode::NO_CONTENT
}
