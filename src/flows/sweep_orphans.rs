//! Looks for rings at the carrier that belong to nobody: the carrier's list first, then one look at our own rows. A carrier
//! that accepts later than anybody waits is found out here.

use crate::{
    app::App,
    domain::{
        attempt::{TAIL_MINUTES, WIDE_TAIL_HOURS},
        orphan::FoundBy,
        people::Actor,
    },
    error::Error,
    failpoint::FailPoint,
    store::{orphans, sweeps, tidings},
};
use chrono::{DateTime, Duration, Utc};

/// How far back a sweep looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Pairs of numbers dialled in the last quarter of an hour.
    Near,
    /// Pairs dialled in the last day and a little more, which is how long the carrier may keep a call waiting.
    Wide,
}

impl Tail {
    fn length(self) -> Duration {
        match self {
            Self::Near => Duration::minutes(TAIL_MINUTES),
            Self::Wide => Duration::hours(WIDE_TAIL_HOURS),
        }
    }
}

/// One sweep of one organization. Returns how many rings belong to nobody; jobs end them.
///
/// # Errors
/// When the carrier or the database is away. Pairs that were looked at before keep what was found.
pub async fn sweep(app: &App, actor: &Actor, tail: Tail) -> Result<usize, Error> {
    let since = app.clock.now() - tail.length();
    let mut tx = app.db.begin(actor).await?;
    let pairs = sweeps::pairs_since(&mut tx, since).await?;
    tx.commit().await?;
    let mut found = 0;
    for pair in pairs {
        found += look(app, actor, &pair, since).await?;
    }
    Ok(found)
}

async fn look(app: &App, actor: &Actor, pair: &sweeps::Pair, since: DateTime<Utc>) -> Result<usize, Error> {
    let listed = app.phone.find(&pair.to, &pair.from, since - Duration::seconds(5)).await?;
    FailPoint::TailSweepListed.pass();
    let sids: Vec<String> = listed.into_iter().map(|one| one.sid.0).collect();
    if sids.is_empty() {
        return Ok(0);
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let strays = sweeps::strays(&mut tx, pair, &sids).await?;
    let Some(latest) = sweeps::latest_of(&mut tx, pair).await? else { return Ok(0) };
    if strays.is_empty() {
        return Ok(0);
    }
    let (attempt, call) = tidings::lock(&mut tx, latest).await?;
    let mut found = 0;
    for sid in &strays {
        found += usize::from(orphans::notice(&mut tx, actor, (&attempt, &call), (sid, FoundBy::Sweep), now).await?);
    }
    tx.commit().await?;
    Ok(found)
}
