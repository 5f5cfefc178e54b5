//! The organization's own settings.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{factor::FactorPolicy, people::PhoneNumber},
    error::Error,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// Settings that decide how calls are placed.
#[derive(Clone, Debug)]
pub struct CallingSettings {
    /// The organization's name, spoken once identity is proven.
    pub name: String,
    /// The number calls come from.
    pub caller_number: PhoneNumber,
}

/// Reads them.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn calling_settings(tx: &mut OrgTx) -> Result<CallingSettings, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select name, caller_number
           from organization
          where org_id = $1",
        org.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(CallingSettings {
        name: row.name,
        caller_number: PhoneNumber::from_e164(&row.caller_number)
            .map_err(|_| Error::Fault("the organization's caller number is not E.164".to_owned()))?,
    })
}

/// An organization as it is founded.
pub struct NewOrganization {
    /// The code staff type when they sign in.
    pub code: String,
    /// Its name.
    pub name: String,
    /// ISO 3166 code, for telephone numbers written without `+`.
    pub country: String,
    /// The zone in which its screens show time.
    pub time_zone: Tz,
    /// The number calls come from.
    pub caller_number: PhoneNumber,
}

/// Writes the organization of this transaction and its row in the directory. Its staff need a second factor until an admin
/// decides otherwise.
///
/// # Errors
/// `Conflict` when the code is taken.
pub async fn found(tx: &mut OrgTx, _: &Receipt, new: &NewOrganization, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    let listed = sqlx::query!(
        "insert into organization_directory (org_id, code)
         values ($1, $2)
         on conflict (code) do nothing",
        org.0,
        new.code
    )
    .execute(tx.connection())
    .await?;
    if listed.rows_affected() == 0 {
        return Err(Error::Conflict("an organization with this code exists already; choose another".to_owned()));
    }
    sqlx::query!(
        "insert into organization (org_id, name, country, time_zone, caller_number, second_factor, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        org.0,
        new.name,
        new.country,
        new.time_zone.name(),
        new.caller_number.reveal(),
        FactorPolicy::Required.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The organization's country (ISO 3166), for telephone numbers written without `+`.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn country(tx: &mut OrgTx) -> Result<String, Error> {
    let org = tx.org();
    sqlx::query_scalar!("select country from organization where org_id = $1", org.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)
}

/// The organization's name and code.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn names(tx: &mut OrgTx) -> Result<(String, String), Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select o.name, d.code
           from organization o
           join organization_directory d on d.org_id = o.org_id
          where o.org_id = $1",
        org.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok((row.name, row.code))
}
