//! Legs: one party's connection in the conference, and the media streams asked of the carrier for it. A leg has at most
//! one current stream, so nobody's words are written twice.

use super::{OrgTx, jobs};
use crate::{
    domain::{
        attempt::Party,
        ids::{AttemptId, CallId, LegId, StreamId},
        job::Job,
    },
    error::Error,
};
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

/// How long a stream may take to begin before a job looks at it and asks again.
const BEGINS_WITHIN_SECONDS: i64 = 15;

/// A stream that was written down and may now be asked of the carrier.
#[derive(Clone)]
pub struct NewStream {
    /// Our name for it.
    pub id: StreamId,
    /// The secret that its first message must carry; only its hash is stored.
    pub token: String,
}

/// A leg whose audio is to be forked again.
#[derive(Clone, Debug)]
pub struct LiveLeg {
    /// The call it belongs to.
    pub call: CallId,
    /// The carrier's name for it.
    pub sid: String,
    /// Whether its newest stream is being heard.
    pub is_heard: bool,
}

/// Writes a leg that enters the conference. The same attempt twice is the same leg.
///
/// # Errors
/// When the call or attempt is not of this organization, or the database is away.
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
         on conflict (org_id, attempt_id) do update set sid = leg.sid
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

/// Notes that the leg of an attempt has left; without a leg, or when it left before, nothing changes.
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

/// Writes a stream that is about to be asked of the carrier, ends whatever stream the leg had, and leaves a job that
/// looks whether the new one has begun.
///
/// # Errors
/// When the leg is not of this organization, or the database is away.
pub async fn new_stream(tx: &mut OrgTx, call: CallId, leg: LegId, now: DateTime<Utc>) -> Result<NewStream, Error> {
    let org = tx.org();
    sqlx::query!(
        "update media_stream
            set ended_at = $3
          where org_id = $1
            and leg_id = $2
            and ended_at is null",
        org.0,
        leg.0,
        now
    )
    .execute(tx.connection())
    .await?;
    let stream = NewStream { id: StreamId::at(now), token: hex::encode(rand::random::<[u8; 32]>()) };
    sqlx::query!(
        "insert into media_stream (org_id, id, call_id, leg_id, token_hash, opened_at)
         values ($1, $2, $3, $4, $5, $6)",
        org.0,
        stream.id.0,
        call.0,
        leg.0,
        token_hash(&stream.token),
        now
    )
    .execute(tx.connection())
    .await?;
    let look_at = now + Duration::seconds(BEGINS_WITHIN_SECONDS);
    jobs::enqueue(tx, &Job::ForkLeg { leg }, &stream.id.to_string(), look_at, now).await?;
    Ok(stream)
}

/// Reads a leg that may have to be forked again and keeps its row, so that two jobs cannot both fork it. `None` when
/// the leg has left, its call is over, or the call may not be recorded.
///
/// # Errors
/// When the database is away.
pub async fn lock_live(tx: &mut OrgTx, leg: LegId) -> Result<Option<LiveLeg>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select l.call_id, l.sid,
                  exists (select 1
                            from media_stream s
                           where s.org_id = l.org_id
                             and s.leg_id = l.id
                             and s.started_at is not null
                             and s.ended_at is null) as "is_heard!"
             from leg l
             join call c on c.org_id = l.org_id and c.id = l.call_id
            where l.org_id = $1
              and l.id = $2
              and l.left_at is null
              and c.state in ('waiting_for_nurse', 'bridged')
              and c.may_record
              for update of l"#,
        org.0,
        leg.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| LiveLeg { call: CallId(row.call_id), sid: row.sid, is_heard: row.is_heard }))
}

/// What is stored of a token.
pub(in crate::store) fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
