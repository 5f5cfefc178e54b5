//! Numbers outside the organization that nurses may ask into a call, kept by admins; and how patients learn of supervision.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        floor::{GuestKind, Supervision},
        ids::{OutsideId, StaffId},
        people::PhoneNumber,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// One number of the list.
#[derive(Clone, Debug)]
pub struct OutsideNumber {
    /// Its id.
    pub id: OutsideId,
    /// What it is called.
    pub label: String,
    /// The number, E.164.
    pub number: String,
    /// Who answers it.
    pub kind: GuestKind,
}

/// The list, by kind and label.
///
/// # Errors
/// When the database is away or a stored kind cannot be read.
pub async fn all(tx: &mut OrgTx) -> Result<Vec<OutsideNumber>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, label, number, kind
           from outside_number
          where org_id = $1
            and removed_at is null
          order by kind, label, id",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = GuestKind::from_word(&row.kind)
                .ok_or_else(|| Error::Fault("a stored number's kind cannot be read".to_owned()))?;
            Ok(OutsideNumber { id: OutsideId(row.id), label: row.label, number: row.number, kind })
        })
        .collect()
}

/// Adds a number. `false` when it is on the list already.
///
/// # Errors
/// When the database is away.
pub async fn add(
    tx: &mut OrgTx,
    _: &Receipt,
    (label, number, kind): (&str, &PhoneNumber, GuestKind),
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into outside_number (org_id, id, label, number, kind, added_at, added_by)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (org_id, number) where removed_at is null do nothing",
        org.0,
        OutsideId::at(now).0,
        label,
        number.reveal(),
        kind.word(),
        now,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Takes a number off the list; one that is off it stays off.
///
/// # Errors
/// When the database is away.
pub async fn remove(
    tx: &mut OrgTx,
    _: &Receipt,
    id: OutsideId,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update outside_number
            set removed_at = $3, removed_by = $4
          where org_id = $1
            and id = $2
            and removed_at is null",
        org.0,
        id.0,
        now,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// How patients learn that somebody supervises a call.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn supervision(tx: &mut OrgTx) -> Result<Supervision, Error> {
    let org = tx.org();
    let word = sqlx::query_scalar!("select supervision from organization where org_id = $1", org.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Supervision::from_word(&word).ok_or_else(|| Error::Fault("a stored policy cannot be read".to_owned()))
}

/// Sets it.
///
/// # Errors
/// When the database is away.
pub async fn set_supervision(tx: &mut OrgTx, _: &Receipt, policy: Supervision) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update organization set supervision = $2 where org_id = $1", org.0, policy.word())
        .execute(tx.connection())
        .await?;
    Ok(())
}
