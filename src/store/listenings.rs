//! Who listens to a live call in their browser: from when they asked to until it ended, with a pulse by the database's clock,
//! so that one whose process died is found.

use super::OrgTx;
use crate::{
    domain::{
        ids::{CallId, ListeningId, PatientId, StaffId},
        listening::ListeningEnd,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Seconds without a pulse after which nobody looks after it any more.
const SILENT_SECONDS: f64 = 15.0;

/// Somebody who listens, or waits to.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Its id.
    pub id: ListeningId,
    /// The call.
    pub call: CallId,
    /// Whose call it is.
    pub patient: PatientId,
    /// Who listens.
    pub staff: StaffId,
    /// Their name.
    pub name: String,
    /// When they asked to.
    pub asked_at: DateTime<Utc>,
    /// When the patient was told.
    pub announced_at: Option<DateTime<Utc>>,
    /// When the first audio went out.
    pub began_at: Option<DateTime<Utc>>,
}

/// Writes that somebody wants to listen. `false` when they do already.
///
/// # Errors
/// When the database is away.
pub async fn ask(tx: &mut OrgTx, new: &Listening) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into listening (org_id, id, call_id, patient_id, staff_id, asked_at, pulse_at)
         values ($1, $2, $3, $4, $5, $6, now())
         on conflict (org_id, call_id, staff_id) where ended_at is null do nothing",
        org.0,
        new.id.0,
        new.call.0,
        new.patient.0,
        new.staff.0,
        new.asked_at
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Everybody who listens to a call, or waits to, in the order they asked.
///
/// # Errors
/// When the database is away.
pub async fn of_call(tx: &mut OrgTx, call: CallId) -> Result<Vec<Listening>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select l.id, l.patient_id, l.staff_id, m.full_name, l.asked_at, l.announced_at, l.began_at
           from listening l
           join staff_member m on m.org_id = l.org_id and m.id = l.staff_id
          where l.org_id = $1
            and l.call_id = $2
            and l.ended_at is null
          order by l.asked_at, l.id",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    let listening = rows.into_iter().map(|row| Listening {
        id: ListeningId(row.id),
        call,
        patient: PatientId(row.patient_id),
        staff: StaffId(row.staff_id),
        name: row.full_name,
        asked_at: row.asked_at,
        announced_at: row.announced_at,
        began_at: row.began_at,
    });
    Ok(listening.collect())
}

/// Notes that somebody looks after it. `false` when it has ended.
///
/// # Errors
/// When the database is away.
pub async fn beat(tx: &mut OrgTx, id: ListeningId) -> Result<bool, Error> {
    let org = tx.org();
    let beaten = sqlx::query!(
        "update listening set pulse_at = now() where org_id = $1 and id = $2 and ended_at is null",
        org.0,
        id.0
    )
    .execute(tx.connection())
    .await?;
    Ok(beaten.rows_affected() == 1)
}

/// Notes that the patient was told. `false` when they had been, or it has ended.
///
/// # Errors
/// When the database is away.
pub async fn announced(tx: &mut OrgTx, id: ListeningId, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let noted = sqlx::query!(
        "update listening
            set announced_at = $3
          where org_id = $1
            and id = $2
            and announced_at is null
            and ended_at is null",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Notes that the first audio goes out. `false` when it has before, or it has ended.
///
/// # Errors
/// When the database is away.
pub async fn began(tx: &mut OrgTx, id: ListeningId, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let noted = sqlx::query!(
        "update listening
            set began_at = $3
          where org_id = $1
            and id = $2
            and began_at is null
            and ended_at is null",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Ends it. `false` when it had ended.
///
/// # Errors
/// When the database is away.
pub async fn end(tx: &mut OrgTx, id: ListeningId, how: ListeningEnd, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let ended = sqlx::query!(
        "update listening set ended_at = $3, ended_how = $4 where org_id = $1 and id = $2 and ended_at is null",
        org.0,
        id.0,
        now,
        how.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Those that nobody has looked after for a while.
///
/// # Errors
/// When the database is away.
pub async fn silent(tx: &mut OrgTx) -> Result<Vec<(ListeningId, CallId, PatientId, StaffId)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, call_id, patient_id, staff_id
           from listening
          where org_id = $1
            and ended_at is null
            and pulse_at < now() - make_interval(secs => $2)
            for update skip locked",
        org.0,
        SILENT_SECONDS
    )
    .fetch_all(tx.connection())
    .await?;
    let silent = rows
        .into_iter()
        .map(|row| (ListeningId(row.id), CallId(row.call_id), PatientId(row.patient_id), StaffId(row.staff_id)));
    Ok(silent.collect())
}
