//! What decides about texts beside the patient: the organization's settings, calls to announce, what a number was told.

use super::{OrgTx, audit::Receipt, opt_outs::Wish, texts};
use crate::{
    domain::{
        ids::{CallId, PatientId},
        people::PhoneNumber,
        text::{
            Wording,
            templates::{Filling, emergency_number},
        },
    },
    error::Error,
};
use chrono::{DateTime, Duration, Utc};

/// How an organization texts.
#[derive(Clone)]
pub struct TextSettings {
    /// What templates are filled with.
    pub filling: Filling,
    /// The organization's own number.
    pub own_number: PhoneNumber,
    /// How long before a planned call it is announced; zero is never.
    pub lead: Duration,
}

/// Reads them.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn settings(tx: &mut OrgTx) -> Result<TextSettings, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select texts_as, reminder_minutes, country, caller_number
           from organization
          where org_id = $1",
        org.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(TextSettings {
        filling: Filling {
            name: row.texts_as,
            ring: row.caller_number.clone(),
            emergency: emergency_number(&row.country),
            when: None,
        },
        own_number: texts::number(&row.caller_number)?,
        lead: Duration::minutes(i64::from(row.reminder_minutes)),
    })
}

/// Sets how texts name the organization and how long before a planned call they announce it.
///
/// # Errors
/// When the database is away.
pub async fn set(tx: &mut OrgTx, _: &Receipt, name: &str, lead: Duration) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update organization
            set texts_as = $2, reminder_minutes = $3
          where org_id = $1",
        org.0,
        name,
        i32::try_from(lead.num_minutes()).unwrap_or(0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Planned calls that fall due between two instants and that no text announces yet, soonest first; of patients who want
/// texts. Calls come first and each looks up its own patient: left to itself, a planner that knows nothing of
/// the tables yet asks after the consent of every patient for every call.
///
/// # Errors
/// When the database is away.
pub async fn unannounced(
    tx: &mut OrgTx,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(CallId, PatientId, DateTime<Utc>)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"with near as materialized (
             select c.id, c.patient_id, c.due_at
               from call c
              where c.org_id = $1
                and c.state = 'scheduled'
                and c.attempts = 0
                and c.manner <> 'reply_text'
                and c.due_at > $2
                and c.due_at <= $3
                and not exists (select
                                  from text_message t
                                 where t.org_id = $1
                                   and t.once_key = 'reminder:' || c.id || ':' || floor(extract(epoch from c.due_at))::bigint)),
           whose as materialized (
             select n.id, n.patient_id, n.due_at, (select p.phone
                                                     from patient p
                                                    where p.org_id = $1
                                                      and p.id = n.patient_id
                                                      and p.status = 'active') as phone
               from near n)
           select id as "id!", patient_id as "patient_id!", due_at as "due_at!"
             from whose
            where phone is not null
              and newest_consent($1, patient_id, phone, 'sms')
              and not coalesce(newest_opt_out($1, phone, 'sms'), false)
            order by due_at
            limit $4"#,
        org.0,
        from,
        until,
        most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (CallId(row.id), PatientId(row.patient_id), row.due_at)).collect())
}

/// What makes the announcement of a call one: a call that moves is announced anew.
#[must_use]
pub fn once_key(call: CallId, due_at: DateTime<Utc>) -> String {
    format!("reminder:{call}:{}", due_at.timestamp())
}

/// Calls off announcements of calls that moved, ended or were called off. How many there were.
///
/// # Errors
/// When the database is away.
pub async fn call_off_stale(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<u64, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update text_message t
            set state = 'called_off', outcome = 'call_moved', settled_at = $2
          where t.org_id = $1
            and t.state = 'scheduled'
            and t.call_id is not null
            and not exists (select
                              from call c
                             where c.org_id = t.org_id
                               and c.id = t.call_id
                               and c.state = 'scheduled'
                               and c.due_at = t.call_due_at)",
        org.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// Whether a call is still planned for an instant.
///
/// # Errors
/// When the database is away.
pub async fn is_planned(tx: &mut OrgTx, call: CallId, due_at: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select
                            from call
                           where org_id = $1
                             and id = $2
                             and state = 'scheduled'
                             and due_at = $3) as "is_planned!""#,
        org.0,
        call.0,
        due_at
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Calls off every text to a number that is not on its way yet. How many there were.
///
/// # Errors
/// When the database is away.
pub async fn call_off_number(
    tx: &mut OrgTx,
    _: &Receipt,
    number: &PhoneNumber,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update text_message
            set state = 'called_off', outcome = 'number_stopped', settled_at = $3
          where org_id = $1
            and number = $2
            and state = 'scheduled'",
        org.0,
        number.reveal(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// Whether words of a kind went, or are to go, to a number within `within`: what keeps two machines from talking for ever.
///
/// # Errors
/// When the database is away.
pub async fn was_told(
    tx: &mut OrgTx,
    number: &PhoneNumber,
    wording: Wording,
    within: Duration,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select
                            from text_message
                           where org_id = $1
                             and number = $2
                             and wording = $3
                             and direction = 'out'
                             and created_at > $4) as "was_told!""#,
        org.0,
        number.reveal(),
        wording.word(),
        now - within
    )
    .fetch_one(tx.connection())
    .await?)
}

/// What a number says about texts: the newest fact about it.
///
/// # Errors
/// When the database is away.
pub async fn wish_of(tx: &mut OrgTx, number: &PhoneNumber) -> Result<Wish, Error> {
    let org = tx.org();
    let stopped = sqlx::query_scalar!(
        r#"select coalesce(newest_opt_out($1, $2, 'sms'), false) as "stopped!""#,
        org.0,
        number.reveal()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(if stopped { Wish::Stop } else { Wish::GoOn })
}

/// Whether a patient still has a number.
///
/// # Errors
/// When the database is away.
pub async fn has_number(tx: &mut OrgTx, patient: PatientId, number: &PhoneNumber) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select
                            from patient
                           where org_id = $1
                             and id = $2
                             and phone = $3) as "has_number!""#,
        org.0,
        patient.0,
        number.reveal()
    )
    .fetch_one(tx.connection())
    .await?)
}
