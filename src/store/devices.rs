//! Browsers that staff members signed in from before.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{DeviceId, StaffId},
        session::Device,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The trusted device of a person behind a token's hash, while it is trusted.
///
/// # Errors
/// When the database is away.
pub async fn device(
    tx: &mut OrgTx,
    token_hash: &[u8],
    staff: StaffId,
    now: DateTime<Utc>,
) -> Result<Option<DeviceId>, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        "select id
           from trusted_device
          where org_id = $1
            and token_hash = $2
            and staff_id = $3
            and ended_at is null
            and expires_at > $4",
        org.0,
        token_hash,
        staff.0,
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(found.map(DeviceId))
}

/// Whether anybody's trusted device has this token: colleagues share the browser of a ward, a stranger's token is not kept.
///
/// # Errors
/// When the database is away.
pub async fn is_device(tx: &mut OrgTx, token_hash: &[u8], now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        r#"select exists (select from trusted_device
                           where org_id = $1
                             and token_hash = $2
                             and ended_at is null
                             and expires_at > $3) as "found!""#,
        org.0,
        token_hash,
        now
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(found)
}

/// Whether a person was ever remembered anywhere: their first sign-in is from no unusual device.
///
/// # Errors
/// When the database is away.
pub async fn was_remembered(tx: &mut OrgTx, staff: StaffId) -> Result<bool, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        r#"select exists (select from trusted_device
                           where org_id = $1
                             and staff_id = $2) as "found!""#,
        org.0,
        staff.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(found)
}

/// A browser somebody signed in from.
pub struct NewDevice<'a> {
    /// Its id, if it is new.
    pub id: DeviceId,
    /// Whose.
    pub staff: StaffId,
    /// SHA-256 of the token in its cookie.
    pub token_hash: &'a [u8],
    /// Its family.
    pub device: Device,
    /// Until when it is trusted.
    pub expires_at: DateTime<Utc>,
}

/// Remembers it, or remembers it for longer.
///
/// # Errors
/// When the database is away.
pub async fn remember(tx: &mut OrgTx, _: &Receipt, new: &NewDevice<'_>, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into trusted_device (org_id, id, token_hash, staff_id, device, created_at, seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7)
         on conflict (org_id, token_hash, staff_id)
         do update set seen_at = $6, expires_at = $7, device = $5, ended_at = null",
        org.0,
        new.id.0,
        new.token_hash,
        new.staff.0,
        new.device.word(),
        now,
        new.expires_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One trusted device on the page of an account.
pub struct TrustedDevice {
    /// Its id.
    pub id: DeviceId,
    /// Its family.
    pub device: Device,
    /// When it was first trusted.
    pub created_at: DateTime<Utc>,
    /// When somebody last signed in from it.
    pub seen_at: DateTime<Utc>,
}

/// The trusted devices of a person, the one used last first.
///
/// # Errors
/// When the database is away.
pub async fn devices(tx: &mut OrgTx, staff: StaffId, now: DateTime<Utc>) -> Result<Vec<TrustedDevice>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, device, created_at, seen_at
           from trusted_device
          where org_id = $1
            and staff_id = $2
            and ended_at is null
            and expires_at > $3
          order by seen_at desc, id",
        org.0,
        staff.0,
        now
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| TrustedDevice {
            id: DeviceId(row.id),
            device: Device::from_word(&row.device),
            created_at: row.created_at,
            seen_at: row.seen_at,
        })
        .collect())
}

/// Trusts one device of a person no longer, or all of them; returns how many.
///
/// # Errors
/// When the database is away.
pub async fn distrust(
    tx: &mut OrgTx,
    _: &Receipt,
    staff: StaffId,
    one: Option<DeviceId>,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update trusted_device
            set ended_at = $4
          where org_id = $1
            and staff_id = $2
            and ($3::uuid is null or id = $3)
            and ended_at is null",
        org.0,
        staff.0,
        one.map(|id| id.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}
