//! The organization's own settings.

use super::OrgTx;
use crate::{
    domain::{contact_hours::ContactHours, people::PhoneNumber},
    error::Error,
};

/// Settings that decide how calls are placed.
#[derive(Clone, Debug)]
pub struct CallingSettings {
    /// The organization's name, spoken once identity is proven.
    pub name: String,
    /// The number calls come from.
    pub caller_number: PhoneNumber,
    /// Calling hours in the patient's zone.
    pub hours: ContactHours,
}

/// Reads them.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn calling_settings(tx: &mut OrgTx) -> Result<CallingSettings, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select name, caller_number, calling_from, calling_until
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
        hours: ContactHours { from: row.calling_from, until: row.calling_until },
    })
}
