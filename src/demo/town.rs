//! The running town, as the demo sees it: its clock and what really happened there.

use super::{nurse::Mishap, vault::Vault};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::America::New_York;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The hours in which a patient of either organization may be rung for the whole story.
const OPENS: u32 = 10;
const CLOSES: u32 = 17;

/// What passes between two demos on the same data: whatever the last one left unfinished is over by then.
const BETWEEN_DEMOS: TimeDelta = TimeDelta::hours(2);

/// A town that listens somewhere.
pub(super) struct TownAt {
    web: reqwest::Client,
    base: String,
}

#[derive(Deserialize)]
struct Told {
    now: DateTime<Utc>,
}

/// How far the town's clock is ahead of the machine's.
#[derive(Default, Serialize, Deserialize)]
struct Ahead {
    seconds: i64,
}

impl TownAt {
    pub(super) fn new(web: reqwest::Client, base: &str) -> Self {
        Self { web, base: base.to_owned() }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Mishap> {
        let failed = |fault: reqwest::Error| Mishap::of(format!("the town does not answer: {}", fault.without_url()));
        let reply = self.web.get(self.url(path)).send().await.map_err(failed)?;
        reply.error_for_status().map_err(failed)?.json().await.map_err(failed)
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<(), Mishap> {
        let failed = |fault: reqwest::Error| Mishap::of(format!("the town refused {path}: {}", fault.without_url()));
        let reply = self.web.post(self.url(path)).json(body).send().await.map_err(failed)?;
        reply.error_for_status().map_err(failed).map(|_| ())
    }

    /// What the town's clock shows.
    pub(super) async fn now(&self) -> Result<DateTime<Utc>, Mishap> {
        Ok(self.get::<Told>("/town/clock").await?.now)
    }

    /// The same for a person, in the zone of the first organization.
    pub(super) async fn local_time(&self) -> Result<String, Mishap> {
        Ok(self.now().await?.with_timezone(&New_York).format("%A %-d %B, %H:%M in New York").to_string())
    }

    /// Puts the clock where the last demo left it, so that time never runs backwards over stored rows, and then into
    /// calling hours.
    pub(super) async fn settle_clock(&self, vault: &Vault) -> Result<(), Mishap> {
        let left: Option<Ahead> = vault.read("clock.json");
        let before = left.map_or_else(TimeDelta::zero, |ahead| TimeDelta::seconds(ahead.seconds) + BETWEEN_DEMOS);
        self.advance(before).await?;
        let wait = until_hours(self.now().await?);
        self.advance(wait).await?;
        vault.write("clock.json", &Ahead { seconds: (before + wait).num_seconds() })
    }

    async fn advance(&self, by: TimeDelta) -> Result<(), Mishap> {
        if by <= TimeDelta::zero() {
            return Ok(());
        }
        self.post("/town/clock/advance", &json!({ "seconds": by.num_seconds() })).await
    }
}

/// How long until a patient in New York may be rung.
fn until_hours(now: DateTime<Utc>) -> TimeDelta {
    let here = now.with_timezone(&New_York);
    if (OPENS..CLOSES).contains(&here.hour()) {
        return TimeDelta::zero();
    }
    let today = here.date_naive();
    let day = if here.hour() < OPENS { today } else { today.succ_opt().unwrap_or(today) };
    let opens = day.and_hms_opt(OPENS, 1, 0).and_then(|opens| opens.and_local_timezone(New_York).earliest());
    opens.map_or_else(TimeDelta::zero, |opens| opens.with_timezone(&Utc) - now)
}
