//! The ladder of refused tries, one row for each account somebody tried.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::ladder::{Ladder, Try},
    error::Error,
};
use chrono::{DateTime, TimeDelta, Utc};

/// A ladder nobody climbed for so long is forgotten.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);

/// Takes one try of an account. The row stays locked until the transaction ends, so tries made at once are counted one
/// after another, on however many replicas.
///
/// # Errors
/// When the database is away.
pub async fn climb(tx: &mut OrgTx, account: &[u8], now: DateTime<Utc>) -> Result<Try, Error> {
    let org = tx.org();
    let stands = sqlx::query_as!(
        Ladder,
        "insert into sign_in_ladder as l (org_id, account, failures, failed_at)
         values ($1, $2, 0, $3)
         on conflict (org_id, account) do update set failures = l.failures
         returning failures, locked_until",
        org.0,
        account,
        now
    )
    .fetch_one(tx.connection())
    .await?;
    let tried = stands.climb(now);
    let (Try::Open(ladder) | Try::Locked(ladder)) = tried;
    // A try that may not be made writes the same row again: it costs what the other costs.
    sqlx::query!(
        "update sign_in_ladder
            set failures = $3, locked_until = $4, failed_at = $5
          where org_id = $1
            and account = $2",
        org.0,
        account,
        ladder.failures,
        ladder.locked_until,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(tried)
}

/// Refused tries in a row of an account, without taking one.
///
/// # Errors
/// When the database is away.
pub async fn failures(tx: &mut OrgTx, account: &[u8]) -> Result<i32, Error> {
    let org = tx.org();
    let failures = sqlx::query_scalar!(
        "select failures
           from sign_in_ladder
          where org_id = $1
            and account = $2",
        org.0,
        account
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(failures.unwrap_or(0))
}

/// A success: the account stands on the ground again.
///
/// # Errors
/// When the database is away.
pub async fn step_down(tx: &mut OrgTx, _: &Receipt, account: &[u8]) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from sign_in_ladder
          where org_id = $1
            and account = $2",
        org.0,
        account
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Forgets ladders that nobody climbed for a day.
///
/// # Errors
/// When the database is away.
pub async fn forget_old_ladders(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from sign_in_ladder
          where org_id = $1
            and failed_at < $2",
        org.0,
        now - FORGOTTEN_AFTER
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
