//! What voicemails are told: the rule of a patient or of their organization, and the words already left.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        answering::VoicemailRule,
        attempt::Attempt,
        ids::{AttemptId, PatientId},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The rule that holds for a patient: their own, else the organization's.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn rule(tx: &mut OrgTx, patient: PatientId) -> Result<VoicemailRule, Error> {
    let org = tx.org();
    let word = sqlx::query_scalar!(
        r#"select coalesce(p.voicemail, o.voicemail) as "rule!"
             from patient p
             join organization o on o.org_id = p.org_id
            where p.org_id = $1
              and p.id = $2"#,
        org.0,
        patient.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    read(&word)
}

/// A patient's own rule; `None` is the organization's.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn own_rule(tx: &mut OrgTx, chart: &ChartReceipt) -> Result<Option<VoicemailRule>, Error> {
    let org = tx.org();
    let patient = chart.patient();
    let word = sqlx::query_scalar!("select voicemail from patient where org_id = $1 and id = $2", org.0, patient.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    word.as_deref().map(read).transpose()
}

/// Sets a patient's own rule; `None` is the organization's.
///
/// # Errors
/// When the database is away.
pub async fn set_own_rule(tx: &mut OrgTx, chart: &ChartReceipt, rule: Option<VoicemailRule>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update patient set voicemail = $3 where org_id = $1 and id = $2",
        org.0,
        chart.patient().0,
        rule.map(VoicemailRule::word)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes the day's one sentence to the number of an attempt, before it is spoken: `false` when that number heard it today,
/// on the patient's calendar. What is taken and then not spoken is not spoken later.
///
/// # Errors
/// When the database is away.
pub async fn take_word(tx: &mut OrgTx, attempt: &Attempt, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let taken = sqlx::query!(
        "insert into voicemail_word (org_id, number, day, call_id, attempt_id, at)
         select a.org_id, a.to_e164, ($3::timestamptz at time zone p.time_zone)::date, a.call_id, a.id, $3
           from attempt a
           join call c on c.org_id = a.org_id and c.id = a.call_id
           join patient p on p.org_id = c.org_id and p.id = c.patient_id
          where a.org_id = $1
            and a.id = $2
         on conflict do nothing",
        org.0,
        attempt.id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Whether an attempt has taken it.
///
/// # Errors
/// When the database is away.
pub async fn has_taken_word(tx: &mut OrgTx, attempt: AttemptId) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from voicemail_word where org_id = $1 and attempt_id = $2) as "taken!""#,
        org.0,
        attempt.0
    )
    .fetch_one(tx.connection())
    .await?)
}

fn read(word: &str) -> Result<VoicemailRule, Error> {
    VoicemailRule::from_word(word)
        .ok_or_else(|| Error::Fault("the stored rule on voicemails cannot be read".to_owned()))
}
