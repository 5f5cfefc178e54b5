//! Questions about the attempts of a call, and which of the carrier's calls are ours.

use crate::{
    domain::{
        attempt::{AttemptState, Party},
        ids::{AttemptId, CallId, GuestId},
        line::Line,
        people::PhoneNumber,
    },
    error::Error,
    store::{OrgTx, attempts::stored_party, stored_line, stored_number},
};
use chrono::{DateTime, Utc};

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
pub async fn numbers(tx: &mut OrgTx, id: AttemptId) -> Result<(Line, PhoneNumber), Error> {
    let org = tx.org();
    let row = sqlx::query!("select to_e164, from_e164 from attempt where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok((stored_line(&row.to_e164)?, stored_number(&row.from_e164)?))
}

/// The attempt that a carrier's call belongs to.
///
/// # Errors
/// When the database is away.
pub async fn of_sid(tx: &mut OrgTx, sid: &str) -> Result<Option<AttemptId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!("select id from attempt where org_id = $1 and sid = $2", org.0, sid)
        .fetch_optional(tx.connection())
        .await?;
    Ok(id.map(AttemptId))
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
        r#"select sid as "sid!", party, staff_id, guest_id
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
    rows.into_iter().map(|row| Ok((row.sid, stored_party(&row.party, row.staff_id, row.guest_id)?))).collect()
}

/// Attempts on nurses of a call that are at the carrier and whose story is not told.
///
/// # Errors
/// When the database is away.
pub async fn nurses_there(tx: &mut OrgTx, call: CallId) -> Result<Vec<AttemptId>, Error> {
    let org = tx.org();
    let ids = sqlx::query_scalar!(
        "select id
           from attempt
          where org_id = $1
            and call_id = $2
            and party = 'nurse'
            and sid is not null
            and outcome is null
            and ended_at is null",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ids.into_iter().map(AttemptId).collect())
}

/// Where the latest attempt of a call on a party stands.
///
/// # Errors
/// When the database is away, or a stored state cannot be read.
pub async fn latest(tx: &mut OrgTx, call: CallId, party: Party) -> Result<Option<AttemptState>, Error> {
    let org = tx.org();
    let word = sqlx::query_scalar!(
        "select state
           from attempt
          where org_id = $1
            and call_id = $2
            and party = $3
          order by created_at desc, id desc
          limit 1",
        org.0,
        call.0,
        party.word()
    )
    .fetch_optional(tx.connection())
    .await?;
    word.map(|word| {
        AttemptState::from_word(&word).ok_or_else(|| Error::Fault("a stored attempt's state cannot be read".to_owned()))
    })
    .transpose()
}

/// Whether somebody who was asked into a call was ever dialled.
///
/// # Errors
/// When the database is away.
pub async fn of_guest(tx: &mut OrgTx, guest: GuestId) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from attempt where org_id = $1 and guest_id = $2) as "dialled!""#,
        org.0,
        guest.0
    )
    .fetch_one(tx.connection())
    .await?)
}
