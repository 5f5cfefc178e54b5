//! Check-ins by text: with which number, which text waits for a reply, what the text before it asked. One at a time for a
//! number, so that a reply belongs to one.

use super::{
    OrgTx,
    texts::{number, unreadable},
};
use crate::{
    domain::{
        ids::{CallId, PatientId, TextId},
        people::PhoneNumber,
        text::{Delivery, TextState},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A check-in by text that goes on.
#[derive(Clone)]
pub struct Texting {
    /// With which number.
    pub number: PhoneNumber,
    /// The question that waits, as a place from 0; below 0 a prompt of the script.
    pub asks: i32,
    /// When it was last asked.
    pub asked_at: DateTime<Utc>,
    /// Where the text that asks it stands.
    pub state: TextState,
    /// How far the carrier says that text came.
    pub delivery: Option<Delivery>,
    /// When that text went out.
    pub posted_at: Option<DateTime<Utc>>,
    /// What the text before it asked, if there was one.
    pub before: Option<i32>,
    /// When the last reply came.
    pub replied_at: Option<DateTime<Utc>>,
}

/// The call for which a check-in with a number goes on.
///
/// # Errors
/// When the database is away.
pub async fn with_number(tx: &mut OrgTx, whose: &PhoneNumber) -> Result<Option<(CallId, PatientId)>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select call_id, patient_id
           from text_check_in
          where org_id = $1
            and number = $2
            and ended_at is null",
        org.0,
        whose.reveal()
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| (CallId(row.call_id), PatientId(row.patient_id))))
}

/// Whether a check-in with a number ended since an instant.
///
/// # Errors
/// When the database is away.
pub async fn ended_since(tx: &mut OrgTx, whose: &PhoneNumber, since: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select
                            from text_check_in
                           where org_id = $1
                             and number = $2
                             and ended_at >= $3) as "ended!""#,
        org.0,
        whose.reveal(),
        since
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Begins one, or begins it anew. `false` while another goes on with the number.
///
/// # Errors
/// When the database is away, or two begin with one number at the same moment; the job then runs again.
pub async fn begin(
    tx: &mut OrgTx,
    call: CallId,
    patient: PatientId,
    whose: &PhoneNumber,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let begun = sqlx::query!(
        "insert into text_check_in (org_id, call_id, patient_id, number, asked_at, began_at)
         select $1, $2, $3, $4, $5, $5
          where not exists (select
                              from text_check_in o
                             where o.org_id = $1
                               and o.number = $4
                               and o.ended_at is null)
         on conflict (org_id, call_id) do update
            set number = excluded.number, asked = null, asks = null, asked_at = excluded.asked_at, before = null,
                before_asks = null, replied_at = null, began_at = excluded.began_at, ended_at = null",
        org.0,
        call.0,
        patient.0,
        whose.reveal(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Reads the one of a locked call; `None` when none goes on or nothing was asked yet.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn read(tx: &mut OrgTx, call: CallId) -> Result<Option<Texting>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select c.number, c.asks, c.asked_at, c.before_asks, c.replied_at, t.state, t.delivery, t.posted_at
           from text_check_in c
           join text_message t on t.org_id = c.org_id and t.id = c.asked
          where c.org_id = $1
            and c.call_id = $2
            and c.ended_at is null",
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Texting {
        number: number(&row.number)?,
        asks: row.asks.unwrap_or(-1),
        asked_at: row.asked_at,
        state: TextState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
        delivery: row.delivery.as_deref().and_then(Delivery::from_word),
        posted_at: row.posted_at,
        before: row.before_asks,
        replied_at: row.replied_at,
    }))
}

/// How many texts the check-in of a call has written, whether it goes on or not: what makes the next one a new one.
///
/// # Errors
/// `NotFound` when the call has none.
pub async fn count(tx: &mut OrgTx, call: CallId) -> Result<i32, Error> {
    let org = tx.org();
    sqlx::query_scalar!(
        "update text_check_in
            set texts = texts + 1
          where org_id = $1
            and call_id = $2
         returning texts",
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)
}

/// Notes which text waits for a reply now, and what it asks. One that has not gone out yet and asks no longer is called off.
///
/// # Errors
/// When the database is away.
pub async fn asked(tx: &mut OrgTx, call: CallId, text: TextId, asks: i32, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    call_off(tx, call, Some(text), now).await?;
    sqlx::query!(
        "update text_check_in
            set before = asked, before_asks = asks, asked = $3, asks = $4, asked_at = $5
          where org_id = $1
            and call_id = $2",
        org.0,
        call.0,
        text.0,
        asks,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Notes when the last reply came.
///
/// # Errors
/// When the database is away.
pub async fn replied(tx: &mut OrgTx, call: CallId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update text_check_in set replied_at = $3 where org_id = $1 and call_id = $2", org.0, call.0, now)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Ends the one of a call, if it goes on: its questions that have not gone out are called off.
///
/// # Errors
/// When the database is away.
pub async fn close(tx: &mut OrgTx, call: CallId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    call_off(tx, call, None, now).await?;
    sqlx::query!(
        "update text_check_in
            set ended_at = $3
          where org_id = $1
            and call_id = $2
            and ended_at is null",
        org.0,
        call.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn call_off(tx: &mut OrgTx, call: CallId, but: Option<TextId>, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update text_message
            set state = 'called_off', outcome = 'asks_no_longer', settled_at = $4
          where org_id = $1
            and check_in = $2
            and id is distinct from $3
            and wording = 'check_in'
            and state = 'scheduled'",
        org.0,
        call.0,
        but.map(|text| text.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
