//! Buckets of draws, counted by the database's clock and shared by every replica.

use super::{Db, OrgTx};
use crate::{
    domain::{
        ids::OrgId,
        pace::{Allowance, Drawn, Pace},
    },
    error::Error,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Draws that this process took from the buckets of organizations and has yet to spend.
#[derive(Clone, Default)]
pub(super) struct Draws(Arc<Mutex<BTreeMap<(OrgId, &'static str), u32>>>);

impl Draws {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<(OrgId, &'static str), u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Db {
    /// Spends a draw that was taken before. False when none is left.
    #[must_use]
    pub fn spend_draw(&self, org: OrgId, pace: Pace) -> bool {
        let mut kept = self.draws.kept();
        let Some(left) = kept.get_mut(&(org, pace.word())).filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    }

    /// Keeps draws that were taken and are not spent yet.
    pub fn keep_draws(&self, org: OrgId, pace: Pace, draws: u32) {
        let mut kept = self.draws.kept();
        let left = kept.entry((org, pace.word())).or_default();
        *left = left.saturating_add(draws);
    }
}

/// Draws so many at once from a bucket, or none and says how long to wait for one. Two who draw are one after the other: the row
/// is the lock.
///
/// # Errors
/// When the database is away or too slow.
pub async fn draw(tx: &mut OrgTx, pace: &str, whom: &str, allowance: Allowance, count: u32) -> Result<Drawn, Error> {
    let org = tx.org();
    let drawn = sqlx::query!(
        "insert into rate_bucket as held (org_id, pace, whom, full_at)
         values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
         on conflict (org_id, pace, whom) do update
            set full_at = greatest(held.full_at, clock_timestamp()) + make_interval(secs => $4)
          where greatest(held.full_at, clock_timestamp()) + make_interval(secs => $4)
                <= clock_timestamp() + make_interval(secs => $5)",
        org.0,
        pace,
        whom,
        allowance.seconds_each() * f64::from(count),
        allowance.seconds_whole()
    )
    .execute(tx.connection())
    .await?;
    if drawn.rows_affected() == 1 {
        return Ok(Drawn::Granted);
    }
    let wait = sqlx::query_scalar!(
        r#"select ceil(extract(epoch from full_at + make_interval(secs => $4) - make_interval(secs => $5)
                                         - clock_timestamp()))::bigint as "wait!"
             from rate_bucket
            where org_id = $1
              and pace = $2
              and whom = $3"#,
        org.0,
        pace,
        whom,
        allowance.seconds_each(),
        allowance.seconds_whole()
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(Drawn::Wait { seconds: wait.and_then(|wait| u64::try_from(wait).ok()).unwrap_or(1).max(1) })
}

/// Gives one draw back.
///
/// # Errors
/// When the database is away or too slow.
pub async fn give_back(tx: &mut OrgTx, pace: &str, whom: &str, allowance: Allowance) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update rate_bucket
            set full_at = full_at - make_interval(secs => $4)
          where org_id = $1
            and pace = $2
            and whom = $3",
        org.0,
        pace,
        whom,
        allowance.seconds_each()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Forgets buckets that are full: a bucket nobody has is full too. Returns how many.
///
/// # Errors
/// When the database is away.
pub async fn sweep(tx: &mut OrgTx) -> Result<u64, Error> {
    let org = tx.org();
    let swept = sqlx::query!(
        "delete from rate_bucket
          where org_id = $1
            and full_at < clock_timestamp()",
        org.0
    )
    .execute(tx.connection())
    .await?;
    Ok(swept.rows_affected())
}
