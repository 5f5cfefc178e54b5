//! Sign-ins between the password and the second factor: they open nothing, end after minutes and after a few tries.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{HalfSignInId, StaffId},
        people::Role,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A sign-in that waits for a second factor.
#[derive(Clone, Debug)]
pub struct HalfSignIn {
    /// Its id.
    pub id: HalfSignInId,
    /// Who.
    pub staff: StaffId,
    /// Their role now.
    pub role: Role,
    /// Factors tried so far.
    pub tries: i32,
}

/// Writes one; those of the organization that are over are forgotten. Only the hash of its token is kept.
///
/// # Errors
/// When the database is away.
pub async fn begin(
    tx: &mut OrgTx,
    _: &Receipt,
    id: HalfSignInId,
    staff: StaffId,
    token_hash: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from half_sign_in
          where org_id = $1
            and expires_at <= $2",
        org.0,
        now
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "insert into half_sign_in (org_id, id, token_hash, staff_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        org.0,
        id.0,
        token_hash,
        staff.0,
        now,
        expires_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The waiting sign-in of a token's hash, while it is not over and its login is open.
///
/// # Errors
/// When the database is away.
pub async fn waiting(tx: &mut OrgTx, token_hash: &[u8], now: DateTime<Utc>) -> Result<Option<HalfSignIn>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select h.id, h.staff_id, h.tries, m.role
           from half_sign_in h
           join staff_member m on m.org_id = h.org_id and m.id = h.staff_id
          where h.org_id = $1
            and h.token_hash = $2
            and h.expires_at > $3
            and h.ended_at is null
            and m.active",
        org.0,
        token_hash,
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        Ok(HalfSignIn {
            id: HalfSignInId(row.id),
            staff: StaffId(row.staff_id),
            role: Role::from_word(&row.role).ok_or_else(|| Error::Fault("a stored role cannot be read".to_owned()))?,
            tries: row.tries,
        })
    })
    .transpose()
}

/// Counts one more try while fewer than `most` were made; false when none is left.
///
/// # Errors
/// When the database is away.
pub async fn count_try(tx: &mut OrgTx, id: HalfSignInId, most: i32) -> Result<bool, Error> {
    let org = tx.org();
    let counted = sqlx::query!(
        "update half_sign_in
            set tries = tries + 1
          where org_id = $1
            and id = $2
            and tries < $3
            and ended_at is null",
        org.0,
        id.0,
        most
    )
    .execute(tx.connection())
    .await?;
    Ok(counted.rows_affected() == 1)
}

/// Ends one: true for one caller only.
///
/// # Errors
/// When the database is away.
pub async fn end(tx: &mut OrgTx, id: HalfSignInId, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let ended = sqlx::query!(
        "update half_sign_in
            set ended_at = $3
          where org_id = $1
            and id = $2
            and ended_at is null",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends every one of a staff member: their credentials changed.
///
/// # Errors
/// When the database is away.
pub async fn end_all(tx: &mut OrgTx, _: &Receipt, staff: StaffId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update half_sign_in
            set ended_at = $3
          where org_id = $1
            and staff_id = $2
            and ended_at is null",
        org.0,
        staff.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
