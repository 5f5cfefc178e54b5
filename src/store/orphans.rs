//! Surplus rings: noticed once, ended by a job, reported when somebody answered.

use super::{OrgTx, audit::record, jobs};
use crate::{
    domain::{
        attempt::Attempt,
        audit::{Deed, DeedKind},
        call::Call,
        ids::{AttemptId, CallId},
        job::Job,
        orphan::{FoundBy, Orphan, OrphanState},
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Notes a ring that is not this attempt's and enqueues the job that ends it; once per ring, however often it is noticed.
///
/// # Errors
/// When the database is away.
pub async fn notice(
    tx: &mut OrgTx,
    actor: &Actor,
    (attempt, call): (&Attempt, &Call),
    (sid, found_by): (&str, FoundBy),
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into orphan_call (org_id, sid, call_id, attempt_id, found_by, state, found_at)
         select $1, $2, $3, $4, $5, 'found', $6
          where not exists (select 1 from attempt own where own.org_id = $1 and own.sid = $2)
         on conflict do nothing",
        org.0,
        sid,
        call.id.0,
        attempt.id.0,
        found_by.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    let deed = Deed::of(DeedKind::FoundOrphan)
        .patient(call.patient)
        .subject(attempt.id.0)
        .with("call", call.id)
        .with("found_by", found_by.word());
    let _receipt = record(tx, actor, &deed, now).await?;
    jobs::enqueue(tx, &Job::EndOrphan { sid: sid.to_owned() }, "found", now, now).await?;
    Ok(true)
}

/// Reads a surplus ring and keeps its row for this transaction.
///
/// # Errors
/// `NotFound` when nobody noticed it.
pub async fn lock(tx: &mut OrgTx, sid: &str) -> Result<Orphan, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select call_id, attempt_id, state
           from orphan_call
          where org_id = $1
            and sid = $2
            for update",
        org.0,
        sid
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Orphan {
        sid: sid.to_owned(),
        call: CallId(row.call_id),
        attempt: AttemptId(row.attempt_id),
        state: OrphanState::from_word(&row.state)
            .ok_or_else(|| Error::Fault("a stored orphan's state cannot be read".to_owned()))?,
    })
}

/// Moves it on.
///
/// # Errors
/// When the database is away.
pub async fn advance(tx: &mut OrgTx, sid: &str, state: OrphanState, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update orphan_call
            set state = $3, ended_at = case when $4 then $5::timestamptz end
          where org_id = $1
            and sid = $2
            and ended_at is null",
        org.0,
        sid,
        state.word(),
        state.is_over(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
