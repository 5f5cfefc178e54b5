//! Buckets of draws, counted by the database's clock and shared by every replica.

use super::OrgTx;
use crate::{
    domain::pace::{Allowance, Drawn},
    error::Error,
};

/// Makes the transaction cheap and short: a crash may forget a draw, and a counter that does not answer within a second is
/// no counter.
///
/// # Errors
/// When the database is away.
pub async fn hurry(tx: &mut OrgTx) -> Result<(), Error> {
    sqlx::query!(
        "select set_config('synchronous_commit', 'off', true) as durability,
                set_config('statement_timeout', '1000', true) as patience"
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(())
}

/// Draws once from a bucket, or says how long to wait. Two draws at once are one after the other: the row is the lock.
///
/// # Errors
/// When the database is away or too slow.
pub async fn draw(tx: &mut OrgTx, pace: &str, whom: &str, allowance: Allowance) -> Result<Drawn, Error> {
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
        allowance.seconds_each(),
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
