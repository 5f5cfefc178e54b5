//! What the call script compares keys with, and the consent it records.

use super::OrgTx;
use crate::{
    domain::{
        call::Call,
        identity::{Caregiver, ExpectedIdentity},
        ids::{ConsentId, ContactId, PatientId},
        private::Private,
        script::Recording,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// What is expected of whoever answers a patient's telephone. Never shown, never sent anywhere.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn expected(tx: &mut OrgTx, patient: PatientId, key: &[u8]) -> Result<ExpectedIdentity, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select date_of_birth, call_code_hash from patient where org_id = $1 and id = $2",
        org.0,
        patient.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let contacts = sqlx::query!(
        r#"select k.id, k.call_code_hash,
                  coalesce((select c.given
                              from consent c
                             where c.org_id = k.org_id
                               and c.contact_id = k.id
                               and c.purpose = 'discuss_health'
                             order by c.at desc, c.id desc
                             limit 1), false) as "may_discuss_health!"
             from contact k
            where k.org_id = $1
              and k.patient_id = $2"#,
        org.0,
        patient.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ExpectedIdentity {
        org,
        key: Private::new(key.to_vec()),
        patient: patient.0,
        date_of_birth: Private::new(row.date_of_birth),
        call_code_hash: row.call_code_hash,
        caregivers: contacts
            .into_iter()
            .map(|row| {
                let caregiver = Caregiver { id: ContactId(row.id), may_discuss_health: row.may_discuss_health };
                (caregiver, row.call_code_hash)
            })
            .collect(),
    })
}

/// Records what the person on the line said about recording, with the call as its evidence.
///
/// # Errors
/// When the database is away.
pub async fn record_call_consent(
    tx: &mut OrgTx,
    call: &Call,
    answer: Recording,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into consent (org_id, id, patient_id, contact_id, purpose, channel, given, evidence, call_id, at)
         values ($1, $2, $3, $4, 'record_call', 'voice', $5, 'keypad, during the call', $6, $7)",
        org.0,
        ConsentId::at(now).0,
        call.patient.0,
        call.contact.map(|contact| contact.0),
        answer == Recording::Allowed,
        call.id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
