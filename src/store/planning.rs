//! What the form for planning a call offers: the patient's clock, nurses, protocols in use.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{ids::StaffId, private::Private, reach::UrgentAccess},
    error::Error,
};
use chrono_tz::Tz;

/// What can be chosen when a call is planned.
#[derive(Clone)]
pub struct Planning {
    /// The patient's name.
    pub patient_name: Private<String>,
    /// The patient's zone: times of the form are in it.
    pub zone: Tz,
    /// The nurse who knows the patient.
    pub own_nurse: Option<StaffId>,
    /// Active nurses by name.
    pub nurses: Vec<(StaffId, String)>,
    /// Protocols in use: id and title.
    pub protocols: Vec<(String, String)>,
    /// The urgent access by which the reader is here.
    pub urgent: Option<UrgentAccess>,
}

/// Reads the choices for the patient whose chart the receipt opens.
///
/// # Errors
/// `NotFound` when the patient is not of this organization.
pub async fn choices(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Planning, Error> {
    let org = tx.org();
    let patient = sqlx::query!(
        r#"select given_name || ' ' || family_name as "name!", time_zone, nurse_id
             from patient
            where org_id = $1
              and id = $2"#,
        org.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let nurses = nurses(tx).await?;
    let protocols = sqlx::query!(
        "select protocol_id, title
           from protocol_version
          where org_id = $1
            and in_use
          order by title",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(Planning {
        patient_name: Private::new(patient.name),
        zone: patient
            .time_zone
            .parse()
            .map_err(|_| Error::Fault("a patient's time zone is not an IANA name".to_owned()))?,
        own_nurse: patient.nurse_id.map(StaffId),
        nurses,
        protocols: protocols.into_iter().map(|row| (row.protocol_id, row.title)).collect(),
        urgent: receipt.reach().urgent(),
    })
}

/// Active nurses by name.
///
/// # Errors
/// When the database is away.
pub async fn nurses(tx: &mut OrgTx) -> Result<Vec<(StaffId, String)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, full_name
           from staff_member
          where org_id = $1
            and role = 'nurse'
            and active
          order by full_name",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (StaffId(row.id), row.full_name)).collect())
}
