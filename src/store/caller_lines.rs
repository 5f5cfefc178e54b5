//! Lines of callers who are asked for a number: one row a ring, so that each word of theirs counts once.

use super::OrgTx;
use crate::{
    domain::{ids::CallerId, people::PhoneNumber},
    error::Error,
    store::stored_number,
};
use chrono::{DateTime, Utc};

/// Where such a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerLine {
    /// The carrier's name for the ring.
    pub sid: String,
    /// How often what was typed was no number, or nothing was.
    pub faults: i32,
    /// Whether nothing more is asked.
    pub is_over: bool,
    /// The message that was heard last.
    pub heard: String,
}

/// Who waits because of a ring.
#[derive(Clone, Debug)]
pub struct WaitingCaller {
    /// Their id.
    pub id: CallerId,
    /// The number that will be rung.
    pub number: Option<PhoneNumber>,
    /// Whether they typed it.
    pub is_typed: bool,
    /// By when.
    pub due_at: DateTime<Utc>,
}

/// Reads the line of a ring and keeps it for this transaction.
///
/// # Errors
/// When the database is away.
pub async fn lock(tx: &mut OrgTx, sid: &str) -> Result<Option<CallerLine>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select faults, is_over, heard
           from caller_line
          where org_id = $1
            and sid = $2
            for update",
        org.0,
        sid
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| CallerLine { sid: sid.to_owned(), faults: row.faults, is_over: row.is_over, heard: row.heard }))
}

/// Writes a line, new or changed.
///
/// # Errors
/// When the database is away.
pub async fn save(tx: &mut OrgTx, line: &CallerLine, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into caller_line (org_id, sid, faults, is_over, heard, began_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, sid) do update
            set faults = excluded.faults, is_over = excluded.is_over, heard = excluded.heard",
        org.0,
        line.sid,
        line.faults,
        line.is_over,
        line.heard,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Who waits because of a ring, if anybody does.
///
/// # Errors
/// When the database is away.
pub async fn caller(tx: &mut OrgTx, sid: &str) -> Result<Option<WaitingCaller>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, number, typed, due_at
           from caller
          where org_id = $1
            and sid = $2",
        org.0,
        sid
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        Ok(WaitingCaller {
            id: CallerId(row.id),
            number: row.number.as_deref().map(stored_number).transpose()?,
            is_typed: row.typed,
            due_at: row.due_at,
        })
    })
    .transpose()
}

/// Gives somebody who waits the number they typed. Where somebody waits under that number already, it stays theirs.
///
/// # Errors
/// When the database is away.
pub async fn retype(tx: &mut OrgTx, id: CallerId, number: &PhoneNumber) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update caller
            set number = $3, typed = true
          where org_id = $1
            and id = $2
            and state = 'open'
            and not exists (select from caller other
                             where other.org_id = $1
                               and other.number = $3
                               and other.state = 'open'
                               and other.id <> $2)",
        org.0,
        id.0,
        number.reveal()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
