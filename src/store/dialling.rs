//! What bounds dialling: the pace and the pause.

use super::{
    OrgTx,
    audit::{Receipt, record},
};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::Owed,
        dialling::{Pause, PauseReason, Rate},
        ids::{CallId, PauseId},
        pace::Allowance,
        people::{Actor, PhoneNumber},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The bucket of dials.
const DIAL: &str = "dial";
/// A reserved instant that passed longer ago than this is drawn again, so that a queue that stood still does not leave at
/// once.
const STALE_SECONDS: f64 = 10.0;

/// When a dial may leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot {
    /// Now; it was drawn before.
    Now,
    /// Now; it is drawn by this transaction, which holds up every other draw until it commits.
    Drawn,
    /// After so many seconds; the instant is reserved.
    In(f64),
}

/// Draws a dial of a locked call from the pace of its number and its organization, by the database's clock. Each call draws
/// once and is given its own instant, so a rush leaves in order and none later than the pace explains.
///
/// # Errors
/// When the database is away.
pub async fn draw_slot(tx: &mut OrgTx, call: CallId, caller: &PhoneNumber, rate: &Rate) -> Result<Slot, Error> {
    let org = tx.org();
    let reserved = sqlx::query_scalar!(
        r#"select extract(epoch from slot_at - clock_timestamp())::float8 as "left"
             from call
            where org_id = $1
              and id = $2"#,
        org.0,
        call.0
    )
    .fetch_one(tx.connection())
    .await?;
    let slot = match reserved {
        Some(left) if left > 0.0 => Slot::In(left),
        Some(left) if left > -STALE_SECONDS => Slot::Now,
        Some(_) | None => {
            let of_number = reserve(tx, caller.reveal(), rate.of_number).await?;
            let wait = of_number.max(reserve(tx, "", rate.of_organization).await?);
            if wait > 0.0 { Slot::In(wait) } else { Slot::Drawn }
        }
    };
    keep_slot(tx, call, slot).await?;
    Ok(slot)
}

async fn keep_slot(tx: &mut OrgTx, call: CallId, slot: Slot) -> Result<(), Error> {
    let org = tx.org();
    let seconds = match slot {
        Slot::Now => None,
        Slot::Drawn => Some(0.0),
        Slot::In(seconds) => Some(seconds),
    };
    sqlx::query!(
        "update call
            set slot_at = clock_timestamp() + make_interval(secs => $3)
          where org_id = $1
            and id = $2",
        org.0,
        call.0,
        seconds
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Draws from one bucket, in debt if need be; seconds until the draw is covered.
async fn reserve(tx: &mut OrgTx, whom: &str, allowance: Allowance) -> Result<f64, Error> {
    let org = tx.org();
    let wait = sqlx::query_scalar!(
        r#"insert into rate_bucket as held (org_id, pace, whom, full_at)
           values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
           on conflict (org_id, pace, whom) do update
              set full_at = greatest(held.full_at, clock_timestamp()) + make_interval(secs => $4)
           returning extract(epoch from full_at - make_interval(secs => $5) - clock_timestamp())::float8 as "wait!""#,
        org.0,
        DIAL,
        whom,
        allowance.seconds_each(),
        allowance.seconds_whole()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(wait)
}

/// Draws for a dial that does not wait: somebody is on the line. The next patient is rung that much later.
///
/// # Errors
/// When the database is away.
pub async fn draw_at_once(tx: &mut OrgTx, caller: &PhoneNumber, rate: &Rate) -> Result<(), Error> {
    reserve(tx, caller.reveal(), rate.of_number).await?;
    reserve(tx, "", rate.of_organization).await?;
    Ok(())
}

/// The pause in force. A database that is not the one last dialled from is recognized here, before anybody is dialled: it
/// is paused, which is recorded and logged.
///
/// # Errors
/// When the database is away.
pub async fn pause_in_force(tx: &mut OrgTx, actor: &Actor, now: DateTime<Utc>) -> Result<Option<Pause>, Error> {
    let org = tx.org();
    let same = sqlx::query_scalar!(
        r#"select mark = present_database() as "same!" from dialled_from where org_id = $1"#,
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let is_moved = match same {
        Some(true) => false,
        Some(false) => notice_move(tx, now).await?,
        None => note_database(tx, now).await?,
    };
    if is_moved {
        let why = PauseReason::Restored;
        tracing::error!(%org, "dialling is paused until `careline dialling resume`: {}", why.words());
        let deed = Deed::of(DeedKind::PausedDialling).with("why", why.word());
        let receipt = record(tx, actor, &deed, now).await?;
        pause(tx, &receipt, why, now).await?;
    }
    let row = sqlx::query!("select why, since from dialling_pause where org_id = $1 and ended_at is null", org.0)
        .fetch_optional(tx.connection())
        .await?;
    row.map(|row| {
        let why = PauseReason::from_word(&row.why)
            .ok_or_else(|| Error::Fault("a stored reason of a pause cannot be read".to_owned()))?;
        Ok(Pause { why, since: row.since })
    })
    .transpose()
}

/// `true` for the first who notices.
async fn notice_move(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let noticed = sqlx::query!(
        "update dialled_from
            set mark = present_database(), restored_at = $2, noted_at = $2
          where org_id = $1
            and mark <> present_database()",
        org.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(noticed.rows_affected() == 1)
}

/// Notes where an organization is dialled from for the first time; nothing has moved.
async fn note_database(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into dialled_from (org_id, mark, noted_at)
         values ($1, present_database(), $2)
         on conflict do nothing",
        org.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(false)
}

/// Begins a pause; one that is in force stays as it is.
///
/// # Errors
/// When the database is away.
pub async fn pause(tx: &mut OrgTx, _: &Receipt, why: PauseReason, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into dialling_pause (org_id, id, why, since)
         values ($1, $2, $3, $4)
         on conflict do nothing",
        org.0,
        PauseId::at(now).0,
        why.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends the pause in force. `false` when there is none.
///
/// # Errors
/// When the database is away.
pub async fn resume(tx: &mut OrgTx, _: &Receipt, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let ended =
        sqlx::query!("update dialling_pause set ended_at = $2 where org_id = $1 and ended_at is null", org.0, now)
            .execute(tx.connection())
            .await?;
    Ok(ended.rows_affected() == 1)
}

/// The instant a restored database was recognized, if it ever was: calls due before it may have been made already.
///
/// # Errors
/// When the database is away.
pub async fn restored_at(tx: &mut OrgTx) -> Result<Option<DateTime<Utc>>, Error> {
    let org = tx.org();
    let at = sqlx::query_scalar!("select restored_at from dialled_from where org_id = $1", org.0)
        .fetch_optional(tx.connection())
        .await?;
    Ok(at.flatten())
}

/// Calls that are due and wait for the pause to end.
///
/// # Errors
/// When the database is away.
pub async fn due_calls(tx: &mut OrgTx, before: DateTime<Utc>) -> Result<Vec<CallId>, Error> {
    let org = tx.org();
    let ids = sqlx::query_scalar!(
        "select id
           from call
          where org_id = $1
            and state in ('scheduled', 'nurse_ready')
            and due_at <= $2
          order by due_at",
        org.0,
        before
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ids.into_iter().map(CallId).collect())
}

/// Whether a person was told of a call for this reason.
///
/// # Errors
/// When the database is away.
pub async fn was_told(tx: &mut OrgTx, call: CallId, owed: Owed) -> Result<bool, Error> {
    let org = tx.org();
    let told = sqlx::query_scalar!(
        r#"select exists (select
                            from follow_up
                           where org_id = $1
                             and call_id = $2
                             and reason = $3) as "told!""#,
        org.0,
        call.0,
        owed.code()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(told)
}
