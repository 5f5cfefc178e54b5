//! Letters for those who forgot their password.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::ids::{ResetId, StaffId},
    error::Error,
};
use chrono::{DateTime, TimeDelta, Utc};

/// A letter is forgotten so long after it was asked for.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);

/// Notes that a password was forgotten, unless that was noted `most` times since `since`. The row of an address that
/// nobody has names nobody.
///
/// # Errors
/// When the database is away.
pub async fn ask(
    tx: &mut OrgTx,
    id: ResetId,
    (account, email): (&[u8], &str),
    (most, since): (i64, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    // Requests for one address made at once are counted one after another.
    sqlx::query_scalar!(
        r#"select 1 as "one!" from pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0))"#,
        account
    )
    .fetch_one(tx.connection())
    .await?;
    sqlx::query!(
        "delete from password_reset
          where org_id = $1
            and asked_at < $2",
        org.0,
        now - FORGOTTEN_AFTER
    )
    .execute(tx.connection())
    .await?;
    let written = sqlx::query!(
        "insert into password_reset (org_id, id, account, staff_id, asked_at)
         select $1, $2, $3, (select id from staff_member where org_id = $1 and email = lower($4) and active), $7
          where (select count(*) from password_reset where org_id = $1 and account = $3 and asked_at > $6) < $5",
        org.0,
        id.0,
        account,
        email,
        most,
        since,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Gives a request its letter's token; returns whose letter it is. `None` when nobody has the address or it was used.
///
/// # Errors
/// When the database is away.
pub async fn arm(
    tx: &mut OrgTx,
    id: ResetId,
    token_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<Option<StaffId>, Error> {
    let org = tx.org();
    let staff = sqlx::query_scalar!(
        "update password_reset
            set token_hash = $3, expires_at = $4
          where org_id = $1
            and id = $2
            and staff_id is not null
            and used_at is null
      returning staff_id",
        org.0,
        id.0,
        token_hash,
        expires_at
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(staff.flatten().map(StaffId))
}

/// A letter that still opens.
pub struct OpenReset {
    /// The request.
    pub id: ResetId,
    /// Whose password it is.
    pub staff: StaffId,
    /// The mark of the address it was asked for.
    pub account: Vec<u8>,
}

/// The letter behind a token's hash, locked until the transaction ends; `None` when it was used, is late, or its reader
/// has left.
///
/// # Errors
/// When the database is away.
pub async fn lock(tx: &mut OrgTx, token_hash: &[u8], now: DateTime<Utc>) -> Result<Option<OpenReset>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select r.id, r.account, m.id as "staff_id!"
           from password_reset r
           join staff_member m on m.org_id = r.org_id and m.id = r.staff_id
          where r.org_id = $1
            and r.token_hash = $2
            and r.used_at is null
            and r.expires_at > $3
            and m.active
            for update of r"#,
        org.0,
        token_hash,
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| OpenReset { id: ResetId(row.id), staff: StaffId(row.staff_id), account: row.account }))
}

/// Uses up every letter of a person: one new password closes them all.
///
/// # Errors
/// When the database is away.
pub async fn use_up(tx: &mut OrgTx, _: &Receipt, staff: StaffId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update password_reset
            set used_at = $3
          where org_id = $1
            and staff_id = $2
            and used_at is null",
        org.0,
        staff.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
