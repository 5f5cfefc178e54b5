//! How the legs of a live call are to sit in its conference, and which of these wishes the carrier has confirmed.

use super::{OrgTx, attempts::stored_party};
use crate::{
    domain::{
        attempt::Party,
        call::CallState,
        floor::{Hush, Hushing, Part, Seat},
        ids::{AttemptId, CallId, LegId, StaffId},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A leg that has not left, with its seat.
#[derive(Clone, Debug)]
pub struct LiveSeat {
    /// The leg.
    pub leg: LegId,
    /// The attempt that became it.
    pub attempt: AttemptId,
    /// The carrier's name for it.
    pub sid: String,
    /// Whose telephone it is.
    pub party: Party,
    /// How it is to sit.
    pub seat: Seat,
    /// Since when it is to be on hold.
    pub held_since: Option<DateTime<Utc>>,
    /// Which wish this is.
    pub revision: i32,
    /// The newest wish the carrier has confirmed.
    pub settled: i32,
    /// What the carrier last said to a wish that is not settled, a code.
    pub fault: Option<String>,
    /// Whether anybody may listen to it.
    pub hushing: Hushing,
}

impl LiveSeat {
    /// Whether the carrier has confirmed how it sits.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.settled >= self.revision
    }
}

/// Writes how a new leg sits, as its document says; a leg that has a seat keeps it.
///
/// # Errors
/// When the database is away.
pub async fn open(tx: &mut OrgTx, call: CallId, leg: LegId, seat: Seat) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into seat (org_id, leg_id, call_id, held, muted, ends, part)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (org_id, leg_id) do nothing",
        org.0,
        leg.0,
        call.0,
        seat.held,
        seat.muted,
        seat.ends,
        seat.part.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The legs of a call that have not left, the patient's first.
///
/// # Errors
/// When the database is away or what is stored cannot be read.
pub async fn of_call(tx: &mut OrgTx, call: CallId) -> Result<Vec<LiveSeat>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select l.id, l.attempt_id, l.sid, l.party, l.staff_id, l.guest_id, s.held, s.muted, s.ends, s.part,
                s.held_since, s.revision, s.settled, s.fault, s.hushed, s.hushed_at, s.hush
           from leg l
           join seat s on s.org_id = l.org_id and s.leg_id = l.id
          where l.org_id = $1
            and l.call_id = $2
            and l.left_at is null
          order by l.party <> 'patient', l.joined_at, l.id",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let part =
                Part::from_word(&row.part).ok_or_else(|| Error::Fault("a stored part cannot be read".to_owned()))?;
            Ok(LiveSeat {
                leg: LegId(row.id),
                attempt: AttemptId(row.attempt_id),
                sid: row.sid,
                party: stored_party(&row.party, row.staff_id, row.guest_id)?,
                seat: Seat { held: row.held, muted: row.muted, ends: row.ends, part },
                held_since: row.held_since,
                revision: row.revision,
                settled: row.settled,
                fault: row.fault,
                hushing: stored_hushing(row.hushed.as_deref(), row.hush, row.hushed_at)?,
            })
        })
        .collect()
}

/// Wishes a leg to sit so. `false` when that was the wish already. Whoever is to be on hold or muted is listened to no more.
///
/// # Errors
/// When the database is away.
pub async fn wish(tx: &mut OrgTx, leg: LegId, seat: Seat, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update seat
            set held_since = case when not $3 then null when held then held_since else $7 end,
                held = $3, muted = $4, ends = $5, part = $6, wished_at = $7, revision = revision + 1, fault = null,
                hushed = case when $3 then 'on_hold' when $4 then 'muted' else hushed end,
                hushed_at = case when ($3 or $4) and hushed is null then $7 else hushed_at end,
                hush = hush + (($3 and hushed is distinct from 'on_hold')
                               or ($4 and not $3 and hushed is distinct from 'muted'))::int
          where org_id = $1
            and leg_id = $2
            and (held, muted, ends, part) is distinct from ($3::boolean, $4::boolean, $5::boolean, $6::text)",
        org.0,
        leg.0,
        seat.held,
        seat.muted,
        seat.ends,
        seat.part.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Notes that the carrier has confirmed a wish; a newer one stays open. Whoever is confirmed to be neither on hold nor muted
/// is listened to again.
///
/// # Errors
/// When the database is away.
pub async fn settle(tx: &mut OrgTx, leg: LegId, revision: i32) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update seat
            set settled = greatest(settled, $3),
                fault = case when revision <= $3 then null else fault end,
                hush = hush + (hushed is not null and not held and not muted and revision <= $3)::int,
                hushed = case when not held and not muted and revision <= $3 then null else hushed end
          where org_id = $1
            and leg_id = $2
            and revision >= $3",
        org.0,
        leg.0,
        revision
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Notes that the carrier did not confirm a wish, and what it said.
///
/// # Errors
/// When the database is away.
pub async fn fail(tx: &mut OrgTx, leg: LegId, revision: i32, fault: &str) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update seat
            set fault = $4, settled = least(settled, $3 - 1)
          where org_id = $1
            and leg_id = $2
            and revision = $3",
        org.0,
        leg.0,
        revision,
        fault
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whether anybody may listen to a leg; one without a seat sits as it entered, and is heard.
///
/// # Errors
/// When the database is away or what is stored cannot be read.
pub async fn hushing(tx: &mut OrgTx, leg: LegId) -> Result<Hushing, Error> {
    let org = tx.org();
    let row = sqlx::query!("select hushed, hushed_at, hush from seat where org_id = $1 and leg_id = $2", org.0, leg.0)
        .fetch_optional(tx.connection())
        .await?;
    row.map_or_else(|| Ok(Hushing::default()), |row| stored_hushing(row.hushed.as_deref(), row.hush, row.hushed_at))
}

pub(super) fn stored_hushing(
    word: Option<&str>,
    revision: i32,
    since: Option<DateTime<Utc>>,
) -> Result<Hushing, Error> {
    let unreadable = || Error::Fault("why a leg is not listened to cannot be read".to_owned());
    let now = word.map(|word| Hush::from_word(word).ok_or_else(unreadable)).transpose()?;
    Ok(Hushing { now, revision: u32::try_from(revision).unwrap_or(0), since })
}

/// Calls on which somebody is in a conference.
///
/// # Errors
/// When the database is away.
pub async fn live_calls(tx: &mut OrgTx) -> Result<Vec<CallId>, Error> {
    let org = tx.org();
    let calls = sqlx::query_scalar!(
        "select id
           from call
          where org_id = $1
            and state in ('waiting_for_nurse', 'bridged')
          order by id",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(calls.into_iter().map(CallId).collect())
}

/// Where a call stands, and whose it is.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn state_and_nurse(tx: &mut OrgTx, call: CallId) -> Result<(CallState, Option<StaffId>), Error> {
    let org = tx.org();
    let row = sqlx::query!("select state, nurse_id from call where org_id = $1 and id = $2", org.0, call.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    let state = CallState::from_word(&row.state)
        .ok_or_else(|| Error::Fault("a stored call's state cannot be read".to_owned()))?;
    Ok((state, row.nurse_id.map(StaffId)))
}

/// The name of a staff member on a line.
///
/// # Errors
/// When the database is away.
pub async fn name_of(tx: &mut OrgTx, staff: StaffId) -> Result<String, Error> {
    let org = tx.org();
    let name = sqlx::query_scalar!("select full_name from staff_member where org_id = $1 and id = $2", org.0, staff.0)
        .fetch_optional(tx.connection())
        .await?;
    Ok(name.unwrap_or_default())
}
