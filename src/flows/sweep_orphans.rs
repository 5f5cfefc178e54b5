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
    ports::Outage,
    store::{attempts, orphans, sweeps, tidings},
};
use chrono::{DateTime, Duration, Utc};
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// Lists of the carrier that are held against our own rows in one look.
const AT_A_LOOK: usize = 16;
/// Lists asked for at once.
const AT_ONCE: usize = 4;

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
    for pairs in pairs.chunks(AT_A_LOOK) {
        let mut listed = Vec::new();
        let outage = list(app, pairs, since, &mut listed).await.err();
        found += look(app, actor, &listed).await?;
        if let Some(outage) = outage {
            return Err(outage.into());
        }
    }
    Ok(found)
}

/// A pair, and the carrier's calls between them.
type Listed<'a> = (&'a sweeps::Pair, Vec<String>);

/// Asks the carrier for the calls of each pair; what it said before it failed is kept.
async fn list<'a>(
    app: &App,
    pairs: &'a [sweeps::Pair],
    since: DateTime<Utc>,
    listed: &mut Vec<Listed<'a>>,
) -> Result<(), Outage> {
    for few in pairs.chunks(AT_ONCE) {
        let asked = few.iter().map(|pair| app.phone.find(&pair.to, &pair.from, since - Duration::seconds(5)));
        for (pair, there) in few.iter().zip(join_all(asked).await) {
            let there = there?;
            FailPoint::TailSweepListed.pass();
            listed.push((pair, there.into_iter().map(|one| one.sid.0).collect()));
        }
    }
    Ok(())
}

/// One look at our own rows for several lists: where each call has its attempt, nothing more is asked.
async fn look(app: &App, actor: &Actor, listed: &[Listed<'_>]) -> Result<usize, Error> {
    let sids: Vec<String> = listed.iter().flat_map(|(_, sids)| sids.iter().cloned()).collect();
    if sids.is_empty() {
        return Ok(0);
    }
    let mut tx = app.db.begin(actor).await?;
    let owned: BTreeSet<String> = attempts::owned(&mut tx, &sids).await?.into_iter().collect();
    tx.commit().await?;
    let mut found = 0;
    for (pair, sids) in listed {
        if sids.iter().any(|sid| !owned.contains(sid)) {
            found += notice(app, actor, pair, sids).await?;
        }
    }
    Ok(found)
}

/// Has those ended that belong to nobody.
async fn notice(app: &App, actor: &Actor, pair: &sweeps::Pair, sids: &[String]) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let strays = sweeps::strays(&mut tx, pair, sids).await?;
    if strays.is_empty() {
        return Ok(0);
    }
    let Some(latest) = sweeps::latest_of(&mut tx, pair).await? else { return Ok(0) };
    let (attempt, call) = tidings::lock(&mut tx, latest).await?;
    let mut found = 0;
    for sid in &strays {
        found += usize::from(orphans::notice(&mut tx, actor, (&attempt, &call), (sid, FoundBy::Sweep), now).await?);
    }
    tx.commit().await?;
    Ok(found)
}
