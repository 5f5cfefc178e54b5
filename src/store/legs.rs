//! Legs: one party's connection in the conference, and the media streams asked of the carrier for it. A leg has at most
//! one current stream, so nobody's words are written twice.

use super::{OrgTx, gaps, jobs, seats};
use crate::{
    domain::{
        attempt::Party,
        floor::Seat,
        ids::{AttemptId, CallId, LegId, PatientId, StreamId},
        job::Job,
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

/// How long a stream may take to begin before a job looks at it and asks again.
const BEGINS_WITHIN_SECONDS: i64 = 15;
/// How long a stream that was asked for counts as on its way, so that two jobs do not ask twice.
const UNDER_WAY_SECONDS: i64 = 10;
/// How old the last audio of a stream may be before nobody hears it any more; it is written every second. Two of these
/// and a restart are less than the three seconds within which a leg is to be heard again.
pub const STALE_SECONDS: i64 = 2;

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
    /// Whose chart the words belong to.
    pub patient: PatientId,
    /// Whether it is being heard.
    pub hearing: LegHearing,
}

/// Whether a live leg is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegHearing {
    /// A stream of it beats, or was asked for a moment ago.
    CaredFor,
    /// Its stream ended, or never began.
    Lost,
    /// Its stream stopped beating without an end: the process that heard it is gone.
    Orphaned,
}

/// Writes a leg that enters the conference, and how it sits there. The same attempt twice is the same leg.
///
/// # Errors
/// When the call or attempt is not of this organization, or the database is away.
pub async fn open(
    tx: &mut OrgTx,
    call: CallId,
    attempt: AttemptId,
    party: Party,
    sid: &str,
    seat: Seat,
    now: DateTime<Utc>,
) -> Result<LegId, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "insert into leg (org_id, id, call_id, attempt_id, party, staff_id, sid, joined_at, guest_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (org_id, attempt_id) do update set sid = leg.sid
         returning id",
        org.0,
        LegId::at(now).0,
        call.0,
        attempt.0,
        party.word(),
        party.staff().map(|staff| staff.0),
        sid,
        now,
        party.guest().map(|guest| guest.0)
    )
    .fetch_one(tx.connection())
    .await?;
    seats::open(tx, call, LegId(id), seat).await?;
    Ok(LegId(id))
}

/// Notes that the leg of an attempt has left; without a leg, or when it left before, nothing changes. Words at its end
/// that were not heard become a gap.
///
/// # Errors
/// When the database is away.
pub async fn leave_by_attempt(tx: &mut OrgTx, attempt: AttemptId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    gaps::tell_last_silence(tx, &Actor::carrier(org), attempt, now).await?;
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

/// Whether an attempt has a leg in the conference, or on its way there.
///
/// # Errors
/// When the database is away.
pub async fn is_open(tx: &mut OrgTx, attempt: AttemptId) -> Result<bool, Error> {
    let org = tx.org();
    let open = sqlx::query_scalar!(
        r#"select exists (select
                            from leg
                           where org_id = $1
                             and attempt_id = $2
                             and left_at is null) as "open!""#,
        org.0,
        attempt.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(open)
}

/// Legs of nurses in the conference of a call.
///
/// # Errors
/// When the database is away.
pub async fn nurses_there(tx: &mut OrgTx, call: CallId) -> Result<Vec<LegId>, Error> {
    let org = tx.org();
    let legs = sqlx::query_scalar!(
        "select id
           from leg
          where org_id = $1
            and call_id = $2
            and party = 'nurse'
            and left_at is null
          order by joined_at",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(legs.into_iter().map(LegId).collect())
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

/// Gives a stream up that the carrier did not take, so that its token opens nothing and another may be asked for.
///
/// # Errors
/// When the database is away.
pub async fn give_up_stream(tx: &mut OrgTx, stream: StreamId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update media_stream
            set ended_at = $3
          where org_id = $1
            and id = $2
            and started_at is null
            and ended_at is null",
        org.0,
        stream.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Reads a leg that may have to be forked again and keeps its row, so that two jobs cannot both fork it. `None` when
/// the leg has left, its call is over, or the call may not be recorded. Whoever was asked in is not written down, until the
/// call is handed to them.
///
/// # Errors
/// When the database is away.
pub async fn lock_live(tx: &mut OrgTx, leg: LegId, now: DateTime<Utc>) -> Result<Option<LiveLeg>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select l.call_id, l.sid, c.patient_id
           from leg l
           join call c on c.org_id = l.org_id and c.id = l.call_id
          where l.org_id = $1
            and l.id = $2
            and l.left_at is null
            and c.state in ('waiting_for_nurse', 'bridged')
            and (l.party <> 'guest' or l.staff_id = c.nurse_id)
            and c.may_record
            for update of l",
        org.0,
        leg.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let hearing = hearing(tx, leg, now).await?;
    Ok(Some(LiveLeg { call: CallId(row.call_id), sid: row.sid, patient: PatientId(row.patient_id), hearing }))
}

/// Reads how a leg's one open stream stands; there is none when it was lost.
async fn hearing(tx: &mut OrgTx, leg: LegId, now: DateTime<Utc>) -> Result<LegHearing, Error> {
    let org = tx.org();
    let open = sqlx::query!(
        "select opened_at, started_at, heard_at
           from media_stream
          where org_id = $1
            and leg_id = $2
            and ended_at is null
          order by opened_at desc
          limit 1",
        org.0,
        leg.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(open) = open else { return Ok(LegHearing::Lost) };
    Ok(match open.started_at {
        None if now - open.opened_at < Duration::seconds(UNDER_WAY_SECONDS) => LegHearing::CaredFor,
        None => LegHearing::Lost,
        Some(started) if now - open.heard_at.unwrap_or(started) < Duration::seconds(STALE_SECONDS) => {
            LegHearing::CaredFor
        }
        Some(_) => LegHearing::Orphaned,
    })
}

/// Legs that should be heard, so that a process that begins can look at each.
///
/// # Errors
/// When the database is away.
pub async fn live(tx: &mut OrgTx) -> Result<Vec<LegId>, Error> {
    let org = tx.org();
    let legs = sqlx::query_scalar!(
        "select l.id
           from leg l
           join call c on c.org_id = l.org_id and c.id = l.call_id
          where l.org_id = $1
            and l.left_at is null
            and c.state in ('waiting_for_nurse', 'bridged')
            and (l.party <> 'guest' or l.staff_id = c.nurse_id)
            and c.may_record
          order by l.joined_at",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(legs.into_iter().map(LegId).collect())
}

/// What is stored of a token.
pub(in crate::store) fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
