//! Legs: who is in the conference of a call, and the streams opened for their audio.

use super::OrgTx;
use crate::{
    domain::{
        attempt::Party,
        ids::{AttemptId, CallId, LegId, StreamId},
    },
    error::Error,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use rand::RngExt;
use sha2::{Digest, Sha256};

/// A stream that was asked for: its secret leaves once, in the carrier's instruction.
pub struct OpenedStream {
    /// Its id.
    pub id: StreamId,
    /// 256 random bits, base64url; only the hash is stored.
    pub token: String,
}

/// Writes a leg; the same attempt again is the same leg.
///
/// # Errors
/// When the database is away.
pub async fn open(
    tx: &mut OrgTx,
    call: CallId,
    attempt: AttemptId,
    party: Party,
    sid: &str,
    now: DateTime<Utc>,
) -> Result<LegId, Error> {
    let org = tx.org();
    let staff = match party {
        Party::Patient => None,
        Party::Nurse(staff) => Some(staff.0),
    };
    let id = sqlx::query_scalar!(
        "insert into leg (org_id, id, call_id, attempt_id, party, staff_id, sid, joined_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (org_id, attempt_id) do update set sid = excluded.sid
         returning id",
        org.0,
        LegId::at(now).0,
        call.0,
        attempt.0,
        party.word(),
        staff,
        sid,
        now
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(LegId(id))
}

/// Notes that the leg of an attempt has ended, if it had one.
///
/// # Errors
/// When the database is away.
pub async fn leave_by_attempt(tx: &mut OrgTx, attempt: AttemptId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update leg
            set left_at = $3
          where org_id = $1
            and attempt_id = $2
            and left_at is null",
        org.0,
        attempt.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The call of a leg.
///
/// # Errors
/// `NotFound` when there is no such leg in this organization.
pub async fn call_of(tx: &mut OrgTx, leg: LegId) -> Result<CallId, Error> {
    let org = tx.org();
    let call = sqlx::query_scalar!("select call_id from leg where org_id = $1 and id = $2", org.0, leg.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(CallId(call))
}

/// Opens a stream for a leg: a row with the hash of a fresh single-use token.
///
/// # Errors
/// When the database is away.
pub async fn new_stream(tx: &mut OrgTx, call: CallId, leg: LegId, now: DateTime<Utc>) -> Result<OpenedStream, Error> {
    let org = tx.org();
    let secret: [u8; 32] = rand::rng().random();
    let token = URL_SAFE_NO_PAD.encode(secret);
    let id = StreamId::at(now);
    sqlx::query!(
        "insert into media_stream (org_id, id, call_id, leg_id, token_hash, opened_at)
         values ($1, $2, $3, $4, $5, $6)",
        org.0,
        id.0,
        call.0,
        leg.0,
        token_hash(&token),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(OpenedStream { id, token })
}

/// The stored form of a stream's token.
#[must_use]
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
