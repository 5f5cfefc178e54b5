//! Who rings us: whose number it is, the call of a patient who rings, and the callers whom a number does not tell.

use super::{OrgTx, audit::Receipt, jobs, stored_number};
use crate::{
    domain::{
        call::CallPurpose,
        ids::{AttemptId, CallId, CallerId, PatientId, StaffId},
        job::Job,
        people::{PatientStatus, PhoneNumber},
        script::Script,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Patients who have a number, or whose contacts have it.
///
/// # Errors
/// When the database is away or holds an unreadable status.
pub async fn patients_of(tx: &mut OrgTx, number: &PhoneNumber) -> Result<Vec<(PatientId, PatientStatus)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select p.id, p.status
             from patient p
            where p.org_id = $1
              and (p.phone = $2
                   or exists (select 1
                                from contact c
                               where c.org_id = p.org_id
                                 and c.patient_id = p.id
                                 and c.phone = $2))
            order by p.id
            limit 3"#,
        org.0,
        number.reveal()
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let status = PatientStatus::from_word(&row.status);
            Ok((PatientId(row.id), status.ok_or_else(|| Error::Fault("a stored status cannot be read".to_owned()))?))
        })
        .collect()
}

/// A ring of a patient's number, answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The call it becomes.
    pub call: CallId,
    /// The leg of whoever rings.
    pub attempt: AttemptId,
    /// The patient whose number it is.
    pub patient: PatientId,
    /// The number that rings.
    pub number: PhoneNumber,
    /// The organization's number that was rung.
    pub rung: PhoneNumber,
    /// The carrier's name for it.
    pub sid: String,
}

/// Writes the call of somebody who rang, with their leg bound: the script begins at once. The protocol is that of the
/// patient's newest call, else the first one in use. `false` when this ring was answered before.
///
/// # Errors
/// `Conflict` when the organization has no protocol in use; otherwise when the database is away.
pub async fn answer(tx: &mut OrgTx, answered: &Answered, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let script = serde_json::to_value(Script::default()).map_err(|error| Error::Fault(error.to_string()))?;
    let written = sqlx::query!(
        "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, attempts, script, created_at,
                           idem_key)
         select $1, $2, $3, $4, protocol.id, $5, 'placed', 1, $6, $5, $7
           from (select c.protocol_id as id, 0 as rank, c.due_at as at
                   from call c
                  where c.org_id = $1
                    and c.patient_id = $3
                  union all
                 select v.protocol_id, 1, null
                   from protocol_version v
                  where v.org_id = $1
                    and v.in_use
                  order by rank, at desc, id
                  limit 1) protocol
         on conflict (org_id, idem_key) do nothing",
        org.0,
        answered.call.0,
        answered.patient.0,
        CallPurpose::Inbound.word(),
        now,
        script,
        format!("inbound:{}", answered.sid)
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, sid, created_at, posted_at)
         values ($1, $2, $3, 'patient', 1, $4, $5, 'bound', $6, $7, $7)",
        org.0,
        answered.attempt.0,
        answered.call.0,
        answered.rung.reveal(),
        answered.number.reveal(),
        answered.sid,
        now
    )
    .execute(tx.connection())
    .await?;
    let watch = Job::ReconcileAttempt { attempt: answered.attempt };
    jobs::enqueue(tx, &watch, "watch", now + chrono::Duration::seconds(60), now).await?;
    Ok(true)
}

/// Somebody who rang and waits, as the list shows them.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Their id.
    pub id: CallerId,
    /// Their number, if it was shown or typed.
    pub number: Option<PhoneNumber>,
    /// Whether they typed it.
    pub is_typed: bool,
    /// How often they rang since they wait.
    pub rings: i32,
    /// When they rang first.
    pub rang_at: DateTime<Utc>,
    /// By when they were promised to be rung back.
    pub due_at: DateTime<Utc>,
    /// Whose work it is.
    pub owner: StaffId,
    /// Their name.
    pub owner_name: String,
}

/// A ring that tells nobody.
#[derive(Clone, Debug)]
pub struct NewCaller {
    /// Their id, unless they wait already.
    pub id: CallerId,
    /// The carrier's name for the ring.
    pub sid: String,
    /// The number, if it was shown or typed.
    pub number: Option<PhoneNumber>,
    /// Whether they typed it.
    pub is_typed: bool,
    /// By when they are rung back.
    pub due_at: DateTime<Utc>,
}

/// Notes a caller, once per ring; who waits already is counted again and keeps the earlier promise. `None` when this very
/// ring was noted before.
///
/// # Errors
/// `Fault` when the organization has nobody who could own it; otherwise when the database is away.
pub async fn note(
    tx: &mut OrgTx,
    _: &Receipt,
    caller: &NewCaller,
    now: DateTime<Utc>,
) -> Result<Option<CallerId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "insert into caller (org_id, id, sid, number, rang_at, due_at, owner_id, state, typed)
         select $1, $2, $3, $4, $5, $6, s.id, 'open', $7
           from staff_member s
          where s.org_id = $1
            and s.active
            and s.role in ('nurse', 'coordinator', 'physician')
          order by (s.role = 'nurse' and s.on_duty) desc, (s.role = 'coordinator') desc, s.on_duty desc, s.full_name
          limit 1
         on conflict (org_id, number) where state = 'open' and number is not null
            do update set rings = caller.rings + 1, sid = excluded.sid, typed = excluded.typed
               where caller.sid <> excluded.sid
         returning id",
        org.0,
        caller.id.0,
        caller.sid,
        caller.number.as_ref().map(PhoneNumber::reveal),
        now,
        caller.due_at,
        caller.is_typed
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(CallerId))
}

/// Everybody who waits to be rung back, the earliest promise first.
///
/// # Errors
/// When the database is away.
pub async fn waiting(tx: &mut OrgTx, _: &Receipt) -> Result<Vec<Caller>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select c.id, c.number, c.typed, c.rings, c.rang_at, c.due_at, c.owner_id, s.full_name
           from caller c
           join staff_member s on s.org_id = c.org_id and s.id = c.owner_id
          where c.org_id = $1
            and c.state = 'open'
          order by c.due_at, c.id
          limit 200",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Caller {
                id: CallerId(row.id),
                number: row.number.as_deref().map(stored_number).transpose()?,
                is_typed: row.typed,
                rings: row.rings,
                rang_at: row.rang_at,
                due_at: row.due_at,
                owner: StaffId(row.owner_id),
                owner_name: row.full_name,
            })
        })
        .collect()
}

/// Closes one; `false` when it is closed already.
///
/// # Errors
/// `NotFound` for a caller of nobody here; otherwise when the database is away.
pub async fn close(
    tx: &mut OrgTx,
    _: &Receipt,
    id: CallerId,
    by: StaffId,
    outcome: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update caller
            set state = 'done', outcome = $3, done_by = $4, done_at = $5
          where org_id = $1
            and id = $2
            and state = 'open'",
        org.0,
        id.0,
        outcome,
        by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    if changed.rows_affected() == 1 {
        return Ok(true);
    }
    owner_if_open(tx, id).await.map(|_| false)
}

/// Whose work a caller is, while they wait.
///
/// # Errors
/// `NotFound` for a caller of nobody here; otherwise when the database is away.
pub async fn owner_if_open(tx: &mut OrgTx, id: CallerId) -> Result<Option<StaffId>, Error> {
    let org = tx.org();
    let row = sqlx::query!("select owner_id, state from caller where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok((row.state == "open").then_some(StaffId(row.owner_id)))
}
