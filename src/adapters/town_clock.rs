//! The product's clock when it serves the simulated town: it follows the town's virtual clock over HTTP, so that
//! both jump together though they are two processes.

use crate::ports::{Outage, OutageKind, clock::Clock};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::{
    sync::{Arc, RwLock, Weak},
    time::{Duration, Instant},
};

/// How long the town may keep a waiting request open; it answers after 25 seconds at the latest.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long to rest when the town cannot be reached.
const REST: Duration = Duration::from_millis(250);

/// A clock that follows the town. Between two messages it flows like real time.
#[derive(Debug)]
pub struct TownClock {
    seen: RwLock<Seen>,
}

/// The town's time when it was last told.
#[derive(Clone, Copy, Debug)]
struct Seen {
    now: DateTime<Utc>,
    at: Instant,
    version: u64,
}

/// The town's reply.
#[derive(Deserialize)]
struct Told {
    now: DateTime<Utc>,
    version: u64,
}

impl TownClock {
    /// Asks the town at `base_url` for the time and follows it until the clock is dropped.
    ///
    /// # Errors
    /// When the town cannot be reached or does not answer with a time.
    pub async fn follow(base_url: &str) -> Result<Arc<Self>, Outage> {
        let web = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .map_err(|_| outage(OutageKind::Unreachable))?;
        let clock_url = format!("{}/town/clock", base_url.trim_end_matches('/'));
        let clock = Arc::new(Self { seen: RwLock::new(ask(&web, &clock_url).await?) });
        tokio::spawn(keep_following(Arc::downgrade(&clock), web, clock_url));
        Ok(clock)
    }

    fn seen(&self) -> Seen {
        *self.seen.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for TownClock {
    fn now(&self) -> DateTime<Utc> {
        let seen = self.seen();
        let flowed = TimeDelta::from_std(seen.at.elapsed()).unwrap_or_default();
        seen.now.checked_add_signed(flowed).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

async fn keep_following(clock: Weak<TownClock>, web: reqwest::Client, clock_url: String) {
    loop {
        let Some(version) = clock.upgrade().map(|clock| clock.seen().version) else { return };
        match ask(&web, &format!("{clock_url}/wait?after={version}")).await {
            Ok(seen) => {
                let Some(clock) = clock.upgrade() else { return };
                *clock.seen.write().unwrap_or_else(std::sync::PoisonError::into_inner) = seen;
            }
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

async fn ask(web: &reqwest::Client, url: &str) -> Result<Seen, Outage> {
    let reply = web
        .get(url)
        .send()
        .await
        .map_err(|fault| outage(if fault.is_timeout() { OutageKind::TimedOut } else { OutageKind::Unreachable }))?;
    if !reply.status().is_success() {
        return Err(outage(OutageKind::Refused(reply.status().as_u16().to_string())));
    }
    let told: Told = reply.json().await.map_err(|_| outage(OutageKind::Garbled))?;
    Ok(Seen { now: told.now, at: Instant::now(), version: told.version })
}

const fn outage(kind: OutageKind) -> Outage {
    Outage { dependency: "town clock", kind }
}
