//! Calls: insert, lock, save. A call is always changed under its row lock, by the state machine.

use super::OrgTx;
use crate::{
    domain::{
        call::{Call, CallPurpose, CallState, Speaker},
        ids::{CallId, ContactId, PatientId, StaffId},
        people::PhoneNumber,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A call to be planned.
#[derive(Clone, Debug)]
pub struct PlannedCall {
    /// Its id.
    pub id: CallId,
    /// Whom it is for.
    pub patient: PatientId,
    /// Why.
    pub purpose: CallPurpose,
    /// The protocol asked on it.
    pub protocol: String,
    /// The nurse planned for it, or anybody on duty.
    pub nurse: Option<StaffId>,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Two posts with one key are one call.
    pub idem_key: String,
}

/// What became of planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// A new call.
    New(CallId),
    /// The same form was posted before; this is that call.
    Before(CallId),
}

/// Plans a call.
///
/// # Errors
/// When the patient or nurse is not of this organization, or the database is away.
pub async fn plan(
    tx: &mut OrgTx,
    call: &PlannedCall,
    created_by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<Planned, Error> {
    let org = tx.org();
    let script = json(&crate::domain::script::Script::default())?;
    let inserted = sqlx::query_scalar!(
        "insert into call (org_id, id, patient_id, purpose, protocol_id, nurse_id, due_at, state, script, created_by,
                           created_at, idem_key)
         values ($1, $2, $3, $4, $5, $6, $7, 'scheduled', $8, $9, $10, $11)
         on conflict (org_id, idem_key) do nothing
         returning id",
        org.0,
        call.id.0,
        call.patient.0,
        call.purpose.word(),
        call.protocol,
        call.nurse.map(|nurse| nurse.0),
        call.due_at,
        script,
        created_by.map(|staff| staff.0),
        now,
        call.idem_key
    )
    .fetch_optional(tx.connection())
    .await?;
    if let Some(id) = inserted {
        return Ok(Planned::New(CallId(id)));
    }
    let id = sqlx::query_scalar!("select id from call where org_id = $1 and idem_key = $2", org.0, call.idem_key)
        .fetch_one(tx.connection())
        .await?;
    Ok(Planned::Before(CallId(id)))
}

/// Reads a call and keeps its row for this transaction.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn lock(tx: &mut OrgTx, id: CallId) -> Result<Call, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select c.patient_id, c.purpose, c.protocol_id, c.nurse_id, c.due_at, c.state, c.outcome, c.attempts,
                  c.speaker, c.contact_id, c.script, c.may_record, c.nurses_asked, c.bridged_at, c.ended_at,
                  o.most_attempts, o.retry_minutes
             from call c
             join organization o on o.org_id = c.org_id
            where c.org_id = $1
              and c.id = $2
              for update of c"#,
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Call {
        id,
        patient: PatientId(row.patient_id),
        purpose: CallPurpose::from_word(&row.purpose).ok_or_else(|| unreadable("purpose"))?,
        protocol: row.protocol_id,
        nurse: row.nurse_id.map(StaffId),
        due_at: row.due_at,
        state: CallState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
        outcome: row.outcome,
        attempts: row.attempts,
        most_attempts: row.most_attempts,
        retry_minutes: row.retry_minutes,
        speaker: row.speaker.as_deref().map(speaker).transpose()?,
        contact: row.contact_id.map(ContactId),
        script: serde_json::from_value(row.script).map_err(|_| unreadable("script"))?,
        may_record: row.may_record,
        nurses_asked: row.nurses_asked.into_iter().map(StaffId).collect(),
        bridged_at: row.bridged_at,
        ended_at: row.ended_at,
    })
}

/// Stores what the state machine made of a locked call.
///
/// # Errors
/// When the database is away.
pub async fn save(tx: &mut OrgTx, call: &Call) -> Result<(), Error> {
    let org = tx.org();
    let nurses: Vec<uuid::Uuid> = call.nurses_asked.iter().map(|nurse| nurse.0).collect();
    sqlx::query!(
        "update call
            set due_at = $3, state = $4, outcome = $5, attempts = $6, speaker = $7, contact_id = $8, script = $9,
                may_record = $10, nurses_asked = $11, bridged_at = $12, ended_at = $13, nurse_id = $14
          where org_id = $1
            and id = $2",
        org.0,
        call.id.0,
        call.due_at,
        call.state.word(),
        call.outcome,
        call.attempts,
        call.speaker.map(Speaker::word),
        call.contact.map(|contact| contact.0),
        json(&call.script)?,
        call.may_record,
        &nurses,
        call.bridged_at,
        call.ended_at,
        call.nurse.map(|nurse| nurse.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The patient of a call, without locking it.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn patient_of(tx: &mut OrgTx, id: CallId) -> Result<PatientId, Error> {
    let org = tx.org();
    let patient = sqlx::query_scalar!("select patient_id from call where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(PatientId(patient))
}

/// Scheduled or running calls of a patient within an hour of an instant: the double-booking check.
///
/// # Errors
/// When the database is away.
pub async fn near(tx: &mut OrgTx, patient: PatientId, due_at: DateTime<Utc>) -> Result<Option<CallId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "select id
           from call
          where org_id = $1
            and patient_id = $2
            and state in ('scheduled', 'placing', 'placed', 'waiting_for_nurse', 'bridged')
            and due_at between $3::timestamptz - interval '59 minutes' and $3::timestamptz + interval '59 minutes'
          limit 1",
        org.0,
        patient.0,
        due_at
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(CallId))
}

/// Who may be rung for a waiting patient next: the planned nurse, the patient's own nurse, then anybody on duty; the
/// patient's team before all others, for a patient on the line is never left alone because of a list; nobody twice, and nobody who is already on another call.
///
/// # Errors
/// When the database is away or a stored number is not E.164.
pub async fn next_nurse(tx: &mut OrgTx, call: &Call) -> Result<Option<(StaffId, PhoneNumber)>, Error> {
    let org = tx.org();
    let asked: Vec<uuid::Uuid> = call.nurses_asked.iter().map(|nurse| nurse.0).collect();
    let row = sqlx::query!(
        r#"select s.id, s.phone as "phone!"
             from staff_member s
             join patient p on p.org_id = s.org_id and p.id = $2
            where s.org_id = $1
              and s.role = 'nurse'
              and s.active
              and s.on_duty
              and s.phone is not null
              and s.id <> all($3)
              and not exists (select 1
                                from leg l
                               where l.org_id = s.org_id
                                 and l.staff_id = s.id
                                 and l.left_at is null)
            order by exists (select
                               from team_member m
                              where m.org_id = s.org_id
                                and m.staff_id = s.id
                                and m.team_id = p.team_id
                                and m.ended_at is null) desc,
                     (s.id = $4) desc nulls last, (s.id = p.nurse_id) desc nulls last, s.full_name
            limit 1"#,
        org.0,
        call.patient.0,
        &asked,
        call.nurse.map(|nurse| nurse.0)
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| Ok((StaffId(row.id), number(&row.phone)?))).transpose()
}

fn number(text: &str) -> Result<PhoneNumber, Error> {
    PhoneNumber::from_e164(text).map_err(|_| unreadable("telephone number"))
}

fn speaker(word: &str) -> Result<Speaker, Error> {
    match word {
        "patient" => Ok(Speaker::Patient),
        "caregiver" => Ok(Speaker::Caregiver),
        _ => Err(unreadable("speaker")),
    }
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Fault(error.to_string()))
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored call's {what} cannot be read"))
}
