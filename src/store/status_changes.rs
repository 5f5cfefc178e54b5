//! Where patients stand: each change is a row with its author, instant and evidence.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        ids::{StaffId, StatusChangeId},
        people::PatientStatus,
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// One change of where a patient stands.
#[derive(Clone)]
pub struct StatusChange {
    /// Its id.
    pub id: StatusChangeId,
    /// Where they stood.
    pub was: PatientStatus,
    /// Where they stand since.
    pub became: PatientStatus,
    /// Who told us, and when.
    pub evidence: Private<String>,
    /// Who wrote it down.
    pub author: StaffId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Where the patient stands now, with the row held until this transaction ends.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn present(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<PatientStatus, Error> {
    let org = tx.org();
    let word = sqlx::query_scalar!(
        "select status from patient where org_id = $1 and id = $2 for no key update",
        org.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    read(&word)
}

/// Writes a change and makes it so.
///
/// # Errors
/// When the database is away or refuses.
pub async fn make(tx: &mut OrgTx, receipt: &ChartReceipt, change: &StatusChange) -> Result<(), Error> {
    let org = tx.org();
    let patient = receipt.patient();
    sqlx::query!(
        "update patient set status = $3 where org_id = $1 and id = $2",
        org.0,
        patient.0,
        change.became.word()
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "insert into status_change (org_id, id, patient_id, was, became, evidence, author, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        change.id.0,
        patient.0,
        change.was.word(),
        change.became.word(),
        change.evidence.reveal(),
        change.author.0,
        change.at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The changes of a chart, newest first, each with who wrote it down.
///
/// # Errors
/// When the database is away.
pub async fn of_chart(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<(StatusChange, String)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select c.id, c.was, c.became, c.evidence, c.author, c.at, s.full_name
           from status_change c
           join staff_member s on s.org_id = c.org_id and s.id = c.author
          where c.org_id = $1
            and c.patient_id = $2
          order by c.at desc, c.id desc
          limit 30",
        org.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let change = StatusChange {
                id: StatusChangeId(row.id),
                was: read(&row.was)?,
                became: read(&row.became)?,
                evidence: Private::new(row.evidence),
                author: StaffId(row.author),
                at: row.at,
            };
            Ok((change, row.full_name))
        })
        .collect()
}

fn read(word: &str) -> Result<PatientStatus, Error> {
    PatientStatus::from_word(word).ok_or_else(|| Error::Fault("a stored status cannot be read".to_owned()))
}
