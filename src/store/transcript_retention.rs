//! How long the words of calls are kept, which of them are due to be erased, and the erasing. Whatever holds a recording holds
//! the words of its call.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::ids::{CallId, PatientId, StaffId},
    error::Error,
};
use chrono::{DateTime, Utc};

/// Days the words of calls are kept; `None` is as long as the record.
///
/// # Errors
/// When the database is away.
pub async fn days(tx: &mut OrgTx) -> Result<Option<i32>, Error> {
    let org = tx.org();
    let days = sqlx::query_scalar!("select days from retention_rule where org_id = $1 and class = 'transcript'", org.0)
        .fetch_optional(tx.connection())
        .await?;
    Ok(days.flatten())
}

/// Sets them.
///
/// # Errors
/// When the database is away or refuses the number.
pub async fn set_days(
    tx: &mut OrgTx,
    _: &Receipt,
    days: Option<i32>,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into retention_rule (org_id, class, days, after_withdrawal, set_by, set_at)
         values ($1, 'transcript', $2, 'keep', $3, $4)
         on conflict (org_id, class) do update
            set days = excluded.days, set_by = excluded.set_by, set_at = excluded.set_at",
        org.0,
        days,
        by.map(|by| by.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Calls with words that were said before an instant and that nobody holds, longest ago first.
///
/// # Errors
/// When the database is away.
pub async fn due(tx: &mut OrgTx, before: DateTime<Utc>, most: i64) -> Result<Vec<CallId>, Error> {
    let org = tx.org();
    let calls = sqlx::query_scalar!(
        "select u.call_id
           from utterance u
          where u.org_id = $1
            and u.erased_at is null
            and u.to_at < $2
            and not exists (select
                              from recording_hold h
                             where h.org_id = u.org_id
                               and h.call_id = u.call_id
                               and h.lifted_at is null)
          group by u.call_id
          order by min(u.to_at)
          limit $3",
        org.0,
        before,
        most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(calls.into_iter().map(CallId).collect())
}

/// Erases the words of a call, heard and corrected, unless somebody holds it. Whose they were and how many utterances; `None`
/// when there was nothing to do.
///
/// # Errors
/// When the database is away.
pub async fn erase(tx: &mut OrgTx, call: CallId, now: DateTime<Utc>) -> Result<Option<(PatientId, u64)>, Error> {
    let org = tx.org();
    // Whoever places a hold takes the recording's row first, so a hold comes before the erasing or after it; whoever corrects
    // takes the call's.
    let _recording = sqlx::query_scalar!(
        "select call_id from recording where org_id = $1 and call_id = $2 for update",
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let patient =
        sqlx::query_scalar!("select patient_id from call where org_id = $1 and id = $2 for update", org.0, call.0)
            .fetch_one(tx.connection())
            .await?;
    let erased = sqlx::query!(
        "update utterance
            set text = '', word_from_ms = null, word_to_ms = null, word_confidence = null, erased_at = $3
          where org_id = $1
            and call_id = $2
            and erased_at is null
            and not exists (select
                              from recording_hold h
                             where h.org_id = $1
                               and h.call_id = $2
                               and h.lifted_at is null)",
        org.0,
        call.0,
        now
    )
    .execute(tx.connection())
    .await?;
    if erased.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query!(
        "update utterance_correction
            set text = '', erased_at = $3
          where org_id = $1
            and call_id = $2
            and erased_at is null",
        org.0,
        call.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(Some((PatientId(patient), erased.rows_affected())))
}
