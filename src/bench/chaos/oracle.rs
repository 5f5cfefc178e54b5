//! The oracle of a run: what really happened on the telephone network, read from the carrier's own book. Our tables are asked
//! one thing only: which of the carrier's calls they take for theirs.

use super::stage::{Planned, Stage};
use crate::{bench::Broken, simulator::carrier::CallStatus};
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls planned.
    pub calls: usize,
    /// Rings of their numbers.
    pub rings: usize,
    /// Rings beyond one a call.
    pub surplus: usize,
    /// Calls without a ring that is theirs, or not over.
    pub lost: usize,
    /// Rings that belonged to a call and were ended at our request.
    pub wrongly_ended: usize,
    /// Rings that belong to no call and were neither ended at our request nor hung up unheard.
    pub escaped: usize,
    /// Rings that belong to no call in which anything was said.
    pub overheard: usize,
    /// Attempts by how they stand.
    pub attempts: BTreeMap<String, i64>,
}

impl Tally {
    /// Whether nobody was rung twice, forgotten or cut off.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.surplus == 0 && self.lost == 0 && self.wrongly_ended == 0
    }

    /// Whether every surplus ring was found, and nobody heard anything in one.
    #[must_use]
    pub const fn is_caught(&self) -> bool {
        self.escaped == 0 && self.overheard == 0 && self.lost == 0 && self.wrongly_ended == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, {} rings: {} surplus, {} lost, {} wrongly ended; of the surplus {} escaped, {} overheard; attempts:",
            self.calls, self.rings, self.surplus, self.lost, self.wrongly_ended, self.escaped, self.overheard
        )?;
        for (state, count) in &self.attempts {
            write!(f, " {state} {count}")?;
        }
        Ok(())
    }
}

/// Whether nothing is left to do: every call is over, every ring has ended, every surplus ring is dealt with.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_quiet(stage: &Stage, planned: &[Planned]) -> Result<bool, Broken> {
    let mut superuser = stage.superuser().await?;
    let ids: Vec<uuid::Uuid> = planned.iter().map(|one| one.call.0).collect();
    let open: i64 = sqlx::query_scalar(
        "select (select count(*) from call where id = any($1) and ended_at is null and state <> 'missed')
              + (select count(*) from orphan_call where ended_at is null)
              + (select count(*) from attempt where ended_at is null and state = 'bound')",
    )
    .bind(&ids)
    .fetch_one(&mut superuser)
    .await
    .map_err(Broken::of)?;
    let is_still = stage.town.carrier().calls().iter().all(|call| call.status.is_over());
    Ok(open == 0 && is_still)
}

/// How many attempts ended in each state.
async fn by_state(superuser: &mut PgConnection, calls: &[uuid::Uuid]) -> Result<Vec<(String, i64)>, Broken> {
    sqlx::query_as("select state, count(*) from attempt where call_id = any($1) group by state order by state")
        .bind(calls)
        .fetch_all(superuser)
        .await
        .map_err(Broken::of)
}

/// Counts.
///
/// # Errors
/// When the database cannot be read.
pub async fn count(stage: &Stage, planned: &[Planned]) -> Result<Tally, Broken> {
    let mut superuser = stage.superuser().await?;
    let ids: Vec<uuid::Uuid> = planned.iter().map(|one| one.call.0).collect();
    let owned: Vec<(uuid::Uuid, String)> =
        sqlx::query_as("select call_id, sid from attempt where call_id = any($1) and sid is not null")
            .bind(&ids)
            .fetch_all(&mut superuser)
            .await
            .map_err(Broken::of)?;
    let over: Vec<uuid::Uuid> = sqlx::query_scalar("select id from call where id = any($1) and state = 'missed'")
        .bind(&ids)
        .fetch_all(&mut superuser)
        .await
        .map_err(Broken::of)?;
    let attempts = by_state(&mut superuser, &ids).await?;
    let mut due: BTreeMap<&str, usize> = BTreeMap::new();
    for one in planned {
        *due.entry(&one.number).or_default() += 1;
    }
    let ours: BTreeSet<&str> = owned.iter().map(|(_, sid)| sid.as_str()).collect();
    let over: BTreeSet<uuid::Uuid> = over.into_iter().collect();
    let mut tally = Tally { calls: planned.len(), attempts: attempts.into_iter().collect(), ..Tally::default() };
    let mut rung: BTreeMap<String, usize> = BTreeMap::new();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut foreign = 0;
    for call in stage.town.carrier().calls() {
        if !due.contains_key(call.to.as_str()) {
            continue;
        }
        let rings = usize::try_from(call.rings).unwrap_or(usize::MAX);
        *rung.entry(call.to.clone()).or_default() += rings;
        tally.rings += rings;
        if ours.contains(call.sid.as_str()) {
            tally.wrongly_ended += usize::from(call.ended_on_request);
            // An engaged line was reached without a ring.
            if call.status == CallStatus::Busy || (rings > 0 && call.status != CallStatus::Canceled) {
                reached.insert(call.sid.clone());
            }
        } else if rings > 0 {
            foreign += rings;
            let is_silent = call.spoken.is_empty();
            tally.overheard += usize::from(!is_silent);
            // Whoever answered heard nothing and the line was closed: the gate. Whoever did not was called off by us.
            let is_gated = is_silent && call.started_at.is_some();
            tally.escaped += usize::from(!call.ended_on_request && !is_gated);
        }
    }
    let by_number: usize =
        due.iter().map(|(number, calls)| rung.get(*number).copied().unwrap_or(0).saturating_sub(*calls)).sum();
    let doubled = owned.iter().filter(|(_, sid)| reached.contains(sid)).count().saturating_sub(
        owned.iter().filter(|(_, sid)| reached.contains(sid)).map(|(call, _)| call).collect::<BTreeSet<_>>().len(),
    );
    // The plain queue keeps no attempts, so its rings can only be counted by number.
    tally.surplus = if owned.is_empty() { by_number } else { by_number.max(foreign + doubled) };
    let kept: BTreeSet<uuid::Uuid> =
        owned.iter().filter(|(_, sid)| reached.contains(sid)).map(|(call, _)| *call).collect();
    tally.lost = planned.iter().filter(|one| !kept.contains(&one.call.0) || !over.contains(&one.call.0)).count();
    Ok(tally)
}
