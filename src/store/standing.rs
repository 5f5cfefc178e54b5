//! What decides whether a patient may be rung: status, consent in force, zone. No chart is opened for it.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        contact_hours::Standing,
        ids::{PatientId, StaffId},
        people::{Language, PatientStatus, PhoneNumber},
    },
    error::Error,
};

/// Reads a patient's standing and keeps the row, so that a change of status waits for the dial or comes before it.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn standing(tx: &mut OrgTx, patient: PatientId) -> Result<Standing, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select p.status, p.time_zone,
                  coalesce((select c.given
                              from consent c
                             where c.org_id = p.org_id
                               and c.patient_id = p.id
                               and c.contact_id is null
                               and c.purpose = 'be_called'
                               and c.channel in ('voice', 'any')
                             order by c.at desc, c.id desc
                             limit 1), false) as "consents!"
             from patient p
            where p.org_id = $1
              and p.id = $2
              for share of p"#,
        org.0,
        patient.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Standing {
        status: PatientStatus::from_word(&row.status).ok_or_else(|| unreadable("status"))?,
        consents_to_calls: row.consents,
        time_zone: row.time_zone.parse().map_err(|_| unreadable("time zone"))?,
    })
}

/// The number that is rung; reading it is part of the chart, hence the receipt.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn number(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<PhoneNumber, Error> {
    let org = tx.org();
    let patient = receipt.patient();
    let phone = sqlx::query_scalar!("select phone from patient where org_id = $1 and id = $2", org.0, patient.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    PhoneNumber::from_e164(&phone).map_err(|_| unreadable("telephone number"))
}

/// Where a nurse takes calls; `None` when no telephone is known or the login is closed.
///
/// # Errors
/// When the database is away.
pub async fn nurse_number(tx: &mut OrgTx, nurse: StaffId) -> Result<Option<PhoneNumber>, Error> {
    let org = tx.org();
    let phone =
        sqlx::query_scalar!("select phone from staff_member where org_id = $1 and id = $2 and active", org.0, nurse.0)
            .fetch_optional(tx.connection())
            .await?
            .flatten();
    phone.map(|text| PhoneNumber::from_e164(&text).map_err(|_| unreadable("nurse's telephone number"))).transpose()
}

/// The language of a patient's call script.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn language(tx: &mut OrgTx, patient: PatientId) -> Result<Language, Error> {
    let org = tx.org();
    let tag = sqlx::query_scalar!("select language from patient where org_id = $1 and id = $2", org.0, patient.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Language::from_tag(&tag).ok_or_else(|| unreadable("language"))
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored patient's {what} cannot be read"))
}
