//! Attempts: written before the telephone is touched, changed only from the states they may be changed from.

mod lookups;

pub use lookups::{latest, not_taken_since, numbers, nurses_there, of_guest, of_sid, open_one, owned, running_sids};

use super::OrgTx;
use crate::{
    domain::{
        answering::AnsweredBy,
        attempt::{Attempt, AttemptState, Party},
        ids::{AttemptId, CallId, GuestId, StaffId},
        line::Line,
        people::PhoneNumber,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

/// The epoch of whoever wrote the attempt.
pub const FIRST_EPOCH: i64 = 1;

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
    /// The line rung.
    pub to: Line,
}

/// Writes an attempt, leased to whoever writes it. `false` when another live attempt of the same call and party, or between
/// the same two numbers, is still open: the carrier's list could not tell the two apart.
///
/// # Errors
/// When the database is away.
pub async fn intend(
    tx: &mut OrgTx,
    attempt: &IntendedAttempt,
    lease: Duration,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into attempt (org_id, id, call_id, party, staff_id, ordinal, from_e164, to_e164, state, created_at,
                              epoch, lease_until, guest_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'intent', $9, $10, clock_timestamp() + make_interval(secs => $11), $12)
         on conflict do nothing",
        org.0,
        attempt.id.0,
        attempt.call.0,
        attempt.party.word(),
        attempt.party.staff().map(|staff| staff.0),
        attempt.ordinal,
        attempt.from.reveal(),
        attempt.to.reveal(),
        now,
        FIRST_EPOCH,
        lease.as_secs_f64(),
        attempt.party.guest().map(|guest| guest.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Allows an intended attempt to be sent, once, by whoever intended it: `false` when its lease has run out, or it was
/// allowed, given up or settled. From now on it is leased for the dial.
///
/// # Errors
/// When the database is away.
pub async fn arm(tx: &mut OrgTx, id: AttemptId, lease: Duration, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update attempt
            set state = 'dialing', posted_at = $3, lease_until = clock_timestamp() + make_interval(secs => $4)
          where org_id = $1
            and id = $2
            and epoch = $5
            and state = 'intent'
            and lease_until > clock_timestamp()",
        org.0,
        id.0,
        now,
        lease.as_secs_f64(),
        FIRST_EPOCH
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Takes a dialled attempt over from a dialler whose lease has run out: it is unknown from now on, and what the dialler may
/// still write is refused. `false` when it is still leased, or not dialling.
///
/// # Errors
/// When the database is away.
pub async fn take_over(tx: &mut OrgTx, id: AttemptId) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update attempt
            set state = 'unknown', epoch = epoch + 1
          where org_id = $1
            and id = $2
            and state = 'dialing'
            and (lease_until is null or lease_until < clock_timestamp())",
        org.0,
        id.0
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
/// be ringing. `epoch` is the one the writer read, or began with: whoever was relieved changes nothing.
///
/// # Errors
/// When the database is away.
pub async fn settle(
    tx: &mut OrgTx,
    (id, epoch): (AttemptId, i64),
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
            and epoch = $6
            and state in ('intent', 'dialing', 'unknown')",
        org.0,
        id.0,
        state.word(),
        outcome,
        now,
        epoch
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Counts a list of the carrier that shows no trace of an attempt.
///
/// # Errors
/// When the database is away.
pub async fn count_clean_list(tx: &mut OrgTx, id: AttemptId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update attempt
            set clean_lists = clean_lists + 1, last_clean_at = $3
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        now
    )
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

/// Notes who answered, as the carrier guesses. The first guess stands; `false` when there was one.
///
/// # Errors
/// When the database is away.
pub async fn judge(tx: &mut OrgTx, id: AttemptId, by: AnsweredBy, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update attempt
            set answered_by = $3, judged_at = $4
          where org_id = $1
            and id = $2
            and answered_by is null",
        org.0,
        id.0,
        by.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
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
        r#"select call_id, party, staff_id, guest_id, state, sid, status_rank, outcome, epoch, clean_lists, last_clean_at, posted_at,
                  answered_at, answered_by, ended_at,
                  coalesce(lease_until > clock_timestamp(), false) as "is_leased!"
             from attempt
            where org_id = $1
              and id = $2"#,
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Attempt {
        id,
        call: CallId(row.call_id),
        party: stored_party(&row.party, row.staff_id, row.guest_id)?,
        state: AttemptState::from_word(&row.state)
            .ok_or_else(|| Error::Fault("a stored attempt's state cannot be read".to_owned()))?,
        sid: row.sid,
        status_rank: row.status_rank,
        outcome: row.outcome,
        epoch: row.epoch,
        is_leased: row.is_leased,
        clean_lists: row.clean_lists,
        last_clean_at: row.last_clean_at,
        posted_at: row.posted_at,
        answered_at: row.answered_at,
        answered_by: row
            .answered_by
            .map(|word| {
                AnsweredBy::from_word(&word)
                    .ok_or_else(|| Error::Fault("who answered an attempt cannot be read".to_owned()))
            })
            .transpose()?,
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

/// Whom the columns of a stored attempt or leg stand for.
///
/// # Errors
/// When they contradict each other.
pub(in crate::store) fn stored_party(word: &str, staff: Option<Uuid>, guest: Option<Uuid>) -> Result<Party, Error> {
    Party::from_stored(word, staff.map(StaffId), guest.map(GuestId))
        .ok_or_else(|| Error::Fault("a stored attempt's party cannot be read".to_owned()))
}
