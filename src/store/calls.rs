//! Calls: insert, lock, save. A call is always changed under its row lock, by the state machine.

use super::{OrgTx, audit::Receipt, retry};
use crate::{
    domain::{
        call::{Call, CallManner, CallPurpose, CallState, Speaker},
        ids::{AttemptId, CallId, ContactId, PatientId, PlanId, StaffId},
        matching::Reason,
    },
    error::Error,
};
use chrono::{DateTime, NaiveDateTime, Utc};

/// A call to be planned.
#[derive(Clone, Debug)]
pub struct PlannedCall {
    /// Its id.
    pub id: CallId,
    /// Whom it is for.
    pub patient: PatientId,
    /// Why.
    pub purpose: CallPurpose,
    /// Who asks.
    pub manner: CallManner,
    /// The protocol asked on it.
    pub protocol: String,
    /// The nurse planned for it, or anybody on duty.
    pub nurse: Option<StaffId>,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Two posts with one key are one call.
    pub idem_key: String,
    /// After this no telephone rings for it; `None` is no bound.
    pub window_until: Option<DateTime<Utc>>,
    /// The plan it comes from; `None` for one a person plans.
    pub occurrence: Option<PlanOccurrence>,
    /// Why this nurse, as `domain::matching` says it.
    pub matched: Vec<Reason>,
    /// Whose call it is when the nurse covers for a colleague.
    pub covers_for: Option<StaffId>,
}

/// Which occurrence of a care plan a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanOccurrence {
    /// The plan.
    pub plan: PlanId,
    /// The occurrence, on the patient's clock.
    pub local: NaiveDateTime,
    /// How often a rule called this occurrence off before.
    pub round: i32,
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
                           created_at, idem_key, window_until, plan_id, occurs_at, round, matched, covers_for, manner)
         values ($1, $2, $3, $4, $5, $6, $7, 'scheduled', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                 $18)
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
        call.idem_key,
        call.window_until,
        call.occurrence.map(|occurrence| occurrence.plan.0),
        call.occurrence.map(|occurrence| occurrence.local),
        call.occurrence.map_or(0, |occurrence| occurrence.round),
        &codes(&call.matched),
        call.covers_for.map(|away| away.0),
        call.manner.word()
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
    lock_one(tx, Some(id), None).await
}

/// The same for the call of an attempt.
///
/// # Errors
/// `NotFound` when there is no such attempt in this organization.
pub async fn lock_of(tx: &mut OrgTx, attempt: AttemptId) -> Result<Call, Error> {
    lock_one(tx, None, Some(attempt)).await
}

async fn lock_one(tx: &mut OrgTx, id: Option<CallId>, attempt: Option<AttemptId>) -> Result<Call, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select c.id, c.patient_id, c.purpose, c.protocol_id, c.nurse_id, c.due_at, c.state, c.outcome, c.attempts,
                  c.speaker, c.contact_id, c.script, c.may_record, c.nurses_asked, c.bridged_at, c.ended_at,
                  c.window_until, c.nurse_rounds, c.nurse_since, c.manner, c.flagged,
                  (select coalesce(jsonb_agg(jsonb_build_array(r.outcome, r.most_tries, r.first_pause_minutes,
                                                               r.later_pause_minutes)
                                             order by r.purpose = 'any' desc), '[]')
                     from retry_rule r
                    where r.org_id = c.org_id
                      and r.purpose in ('any', c.purpose)) as "retry!"
             from call c
            where c.org_id = $1
              and c.id = coalesce($2, (select a.call_id
                                         from attempt a
                                        where a.org_id = $1
                                          and a.id = $3))
              for update of c"#,
        org.0,
        id.map(|id| id.0),
        attempt.map(|attempt| attempt.0)
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let purpose = CallPurpose::from_word(&row.purpose).ok_or_else(|| unreadable("purpose"))?;
    Ok(Call {
        id: CallId(row.id),
        patient: PatientId(row.patient_id),
        purpose,
        manner: CallManner::from_word(&row.manner).ok_or_else(|| unreadable("manner"))?,
        protocol: row.protocol_id,
        nurse: row.nurse_id.map(StaffId),
        due_at: row.due_at,
        state: CallState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
        outcome: row.outcome,
        attempts: row.attempts,
        retry: retry::stored_policy(row.retry)?,
        window_until: row.window_until,
        speaker: row.speaker.as_deref().map(speaker).transpose()?,
        contact: row.contact_id.map(ContactId),
        script: serde_json::from_value(row.script).map_err(|_| unreadable("script"))?,
        may_record: row.may_record,
        is_flagged: row.flagged,
        nurses_asked: row.nurses_asked.into_iter().map(StaffId).collect(),
        nurse_rounds: row.nurse_rounds,
        nurse_since: row.nurse_since,
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
                may_record = $10, nurses_asked = $11, bridged_at = $12, ended_at = $13, nurse_id = $14,
                nurse_rounds = $15, nurse_since = $16, flagged = $17
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
        call.nurse.map(|nurse| nurse.0),
        call.nurse_rounds,
        call.nurse_since,
        call.is_flagged
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

/// When a call was over; `None` while it is not.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn ended_at(tx: &mut OrgTx, id: CallId) -> Result<Option<DateTime<Utc>>, Error> {
    let org = tx.org();
    sqlx::query_scalar!("select ended_at from call where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)
}

/// Whom a call is for, why it is made and who asks on it, without locking it.
///
/// # Errors
/// `NotFound` when there is no such call in this organization; `Fault` when a word of it cannot be read.
pub async fn made_for(tx: &mut OrgTx, id: CallId) -> Result<(PatientId, CallPurpose, CallManner), Error> {
    let org = tx.org();
    let row = sqlx::query!("select patient_id, purpose, manner from call where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    let purpose = CallPurpose::from_word(&row.purpose).ok_or_else(|| unreadable("purpose"))?;
    let manner = CallManner::from_word(&row.manner).ok_or_else(|| unreadable("manner"))?;
    Ok((PatientId(row.patient_id), purpose, manner))
}

/// Who asks on a call, without locking it.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn manner_of(tx: &mut OrgTx, id: CallId) -> Result<CallManner, Error> {
    let org = tx.org();
    let word = sqlx::query_scalar!("select manner from call where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    CallManner::from_word(&word).ok_or_else(|| unreadable("manner"))
}

/// Keeps why a nurse was chosen.
///
/// # Errors
/// When the database is away.
pub async fn explain(tx: &mut OrgTx, call: CallId, reasons: &[Reason]) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update call
            set matched = $3
          where org_id = $1
            and id = $2",
        org.0,
        call.0,
        &codes(reasons)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Gives a locked call another time. A person did it, so its plan leaves it there.
///
/// # Errors
/// When the database is away.
pub async fn move_to(
    tx: &mut OrgTx,
    _: &Receipt,
    call: &Call,
    due_at: DateTime<Utc>,
    by: Option<StaffId>,
) -> Result<(), Error> {
    let org = tx.org();
    let window_until = call.window_until.map(|until| due_at + (until - call.due_at));
    sqlx::query!(
        "update call
            set due_at = $3, window_until = $4, moved_by = $5, outcome = null
          where org_id = $1
            and id = $2",
        org.0,
        call.id.0,
        due_at,
        window_until,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn codes(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(|reason| reason.code().to_owned()).collect()
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
