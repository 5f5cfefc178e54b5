//! Attempts: written before the telephone is touched, changed only from the states they may be changed from.

use super::OrgTx;
use crate::{
    domain::{
        attempt::{Attempt, AttemptState, Party},
        ids::{AttemptId, CallId, StaffId},
        people::PhoneNumber,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// An attempt to be written.
#[derive(Clone, Debug)]
pub struct IntendedAttempt {
    /// Its id.
    pub id: AttemptId,
    /// The call it belongs to.
    pub call: CallId,
    /// Whom it rings.
    pub party: Party,
    /// Which attempt of the call it is, from 1.
    pub ordinal: i32,
    /// The organization's own number.
    pub from: PhoneNumber,
    /// The number rung.
    pub to: PhoneNumber,
}

/// Writes an attempt. A live one for the same call and party already there is a `Conflict`.
///
/// # Errors
/// `Conflict` as said; otherwise when the database is away.
pub async fn intend(tx: &mut OrgTx, attempt: &IntendedAttempt, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into attempt (org_id, id, call_id, party, staff_id, ordinal, from_e164, to_e164, state, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'intent', $9)
         on conflict do nothing",
        org.0,
        attempt.id.0,
        attempt.call.0,
        attempt.party.word(),
        staff(attempt.party),
        attempt.ordinal,
        attempt.from.reveal(),
        attempt.to.reveal(),
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::Conflict("an attempt of this call is still open".to_owned()))
    }
}

/// Allows an intended attempt to be sent, once: `false` when it was already allowed, given up or settled.
///
/// # Errors
/// When the database is away.
pub async fn arm(tx: &mut OrgTx, id: AttemptId, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update attempt
            set state = 'dialing', posted_at = $3
          where org_id = $1
            and id = $2
            and state = 'intent'",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Gives an attempt its sid, if it waits for one and nobody owns that sid.
///
/// # Errors
/// When the database is away.
pub async fn bind(tx: &mut OrgTx, id: AttemptId, sid: &str) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update attempt
            set state = 'bound', sid = $3
          where org_id = $1
            and id = $2
            and state in ('dialing', 'unknown')
            and not exists (select 1 from attempt other where other.org_id = $1 and other.sid = $3)",
        org.0,
        id.0,
        sid
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Moves an attempt that has no sid yet to a settled state or to `Unknown`, which tells no story yet: the telephone may
/// be ringing.
///
/// # Errors
/// When the database is away.
pub async fn settle(
    tx: &mut OrgTx,
    id: AttemptId,
    state: AttemptState,
    outcome: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update attempt
            set state = $3,
                outcome = case when $3 = 'unknown' then outcome else $4 end,
                ended_at = case when $3 = 'unknown' then null else $5::timestamptz end
          where org_id = $1
            and id = $2
            and state in ('intent', 'dialing', 'unknown')",
        org.0,
        id.0,
        state.word(),
        outcome,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Counts a list of the carrier that shows no trace of an attempt.
///
/// # Errors
/// When the database is away.
pub async fn count_clean_list(tx: &mut OrgTx, id: AttemptId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update attempt set clean_lists = clean_lists + 1 where org_id = $1 and id = $2", org.0, id.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Notes that somebody answered and was asked something.
///
/// # Errors
/// When the database is away.
pub async fn answered(tx: &mut OrgTx, id: AttemptId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update attempt set answered_at = $3 where org_id = $1 and id = $2", org.0, id.0, now)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Notes what became of an attempt before the carrier says that it ended.
///
/// # Errors
/// When the database is away.
pub async fn tell(tx: &mut OrgTx, id: AttemptId, outcome: &str) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update attempt set outcome = $3 where org_id = $1 and id = $2", org.0, id.0, outcome)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Whether a message of the carrier is new; it is remembered either way.
///
/// # Errors
/// When the database is away.
pub async fn is_news(
    tx: &mut OrgTx,
    id: AttemptId,
    kind: &str,
    dedupe_key: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into carrier_inbox (org_id, dedupe_key, attempt_id, kind, at)
         values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        org.0,
        format!("{kind}:{dedupe_key}"),
        id.0,
        kind,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Reads an attempt.
///
/// # Errors
/// `NotFound` when there is no such attempt in this organization.
pub async fn read(tx: &mut OrgTx, id: AttemptId) -> Result<Attempt, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select call_id, staff_id, state, sid, status_rank, outcome, clean_lists, posted_at, answered_at, ended_at
           from attempt
          where org_id = $1
            and id = $2",
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Attempt {
        id,
        call: CallId(row.call_id),
        party: row.staff_id.map_or(Party::Patient, |staff| Party::Nurse(StaffId(staff))),
        state: AttemptState::from_word(&row.state)
            .ok_or_else(|| Error::Fault("a stored attempt's state cannot be read".to_owned()))?,
        sid: row.sid,
        status_rank: row.status_rank,
        outcome: row.outcome,
        clean_lists: row.clean_lists,
        posted_at: row.posted_at,
        answered_at: row.answered_at,
        ended_at: row.ended_at,
    })
}

/// The attempt of a call that has this sid.
///
/// # Errors
/// When the database is away.
pub async fn by_sid(tx: &mut OrgTx, call: CallId, sid: &str) -> Result<Option<Attempt>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "select id from attempt where org_id = $1 and call_id = $2 and sid = $3",
        org.0,
        call.0,
        sid
    )
    .fetch_optional(tx.connection())
    .await?;
    match id {
        Some(id) => Ok(Some(read(tx, AttemptId(id)).await?)),
        None => Ok(None),
    }
}

/// Since when the carrier has taken no dial of a call: the first attempt on the patient that never rang, if none did.
///
/// # Errors
/// When the database is away.
pub async fn not_taken_since(tx: &mut OrgTx, call: CallId) -> Result<Option<DateTime<Utc>>, Error> {
    let org = tx.org();
    let since = sqlx::query_scalar!(
        "select min(created_at)
           from attempt
          where org_id = $1
            and call_id = $2
            and party = 'patient'
         having bool_and(state in ('rejected', 'not_placed', 'abandoned'))",
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(since.flatten())
}

/// The numbers of an attempt, for reconciliation.
///
/// # Errors
/// `NotFound`, or when a stored number is not E.164.
pub async fn numbers(tx: &mut OrgTx, id: AttemptId) -> Result<(PhoneNumber, PhoneNumber), Error> {
    let org = tx.org();
    let row = sqlx::query!("select to_e164, from_e164 from attempt where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    let read = |text: &str| {
        PhoneNumber::from_e164(text).map_err(|_| Error::Fault("a stored telephone number is not E.164".to_owned()))
    };
    Ok((read(&row.to_e164)?, read(&row.from_e164)?))
}

/// Sids that some attempt of this organization owns, out of a list.
///
/// # Errors
/// When the database is away.
pub async fn owned(tx: &mut OrgTx, sids: &[String]) -> Result<Vec<String>, Error> {
    let org = tx.org();
    let rows =
        sqlx::query_scalar!(r#"select sid as "sid!" from attempt where org_id = $1 and sid = any($2)"#, org.0, sids)
            .fetch_all(tx.connection())
            .await?;
    Ok(rows)
}

/// The attempt of a call and party whose outcome is still open.
///
/// # Errors
/// When the database is away.
pub async fn open_one(tx: &mut OrgTx, call: CallId, party: Party) -> Result<Option<AttemptId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "select id from attempt where org_id = $1 and call_id = $2 and party = $3 and live limit 1",
        org.0,
        call.0,
        party.word()
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(AttemptId))
}

/// Every sid of a call that has not ended, with whom it rings.
///
/// # Errors
/// When the database is away.
pub async fn running_sids(tx: &mut OrgTx, call: CallId) -> Result<Vec<(String, Party)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select sid as "sid!", staff_id
             from attempt
            where org_id = $1
              and call_id = $2
              and sid is not null
              and ended_at is null"#,
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.sid, row.staff_id.map_or(Party::Patient, |staff| Party::Nurse(StaffId(staff)))))
        .collect())
}

const fn staff(party: Party) -> Option<uuid::Uuid> {
    match party {
        Party::Patient => None,
        Party::Nurse(staff) => Some(staff.0),
    }
}
