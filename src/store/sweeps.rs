//! What the sweeps look for: attempts whose process died, rings that belong to nobody, calls that nobody rings.

use super::{OrgTx, stored_line, stored_number};
use crate::{
    domain::{
        ids::{AttemptId, CallId},
        line::Line,
        people::PhoneNumber,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Calls to be dialled that were due before an instant and have no job that will ring them.
///
/// # Errors
/// When the database is away.
pub async fn late_calls(tx: &mut OrgTx, before: DateTime<Utc>) -> Result<Vec<CallId>, Error> {
    let org = tx.org();
    let ids = sqlx::query_scalar!(
        "select c.id
           from call c
          where c.org_id = $1
            and c.state in ('scheduled', 'nurse_ready')
            and c.due_at <= $2
            and not exists (select 1
                              from job j
                             where j.org_id = c.org_id
                               and j.state in ('queued', 'running')
                               and j.about = c.id
                               and j.body ->> 'kind' = 'place_call')
          order by c.due_at",
        org.0,
        before
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ids.into_iter().map(CallId).collect())
}

/// Calls with an attempt on the patient neither open nor running although they are being placed: their process died at a
/// moment that no lease covers.
///
/// # Errors
/// When the database is away.
pub async fn stuck_calls(tx: &mut OrgTx) -> Result<Vec<CallId>, Error> {
    let org = tx.org();
    let ids = sqlx::query_scalar!(
        "select c.id
           from call c
          where c.org_id = $1
            and c.state = 'placing'
            and not exists (select 1
                              from attempt a
                             where a.org_id = c.org_id
                               and a.call_id = c.id
                               and a.party = 'patient'
                               and (a.live or (a.state = 'bound' and a.ended_at is null)))",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ids.into_iter().map(CallId).collect())
}

/// Intended attempts whose lease has run out: they were never sent, and never will be.
///
/// # Errors
/// When the database is away.
pub async fn expired_intents(tx: &mut OrgTx) -> Result<Vec<AttemptId>, Error> {
    let org = tx.org();
    let ids = sqlx::query_scalar!(
        "select id
           from attempt
          where org_id = $1
            and live
            and state = 'intent'
            and (lease_until is null or lease_until < clock_timestamp())",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ids.into_iter().map(AttemptId).collect())
}

/// Attempts that somebody must look into and no job will: in doubt, or bound before `before` without an end.
///
/// # Errors
/// When the database is away.
pub async fn unwatched(tx: &mut OrgTx, before: DateTime<Utc>) -> Result<Vec<AttemptId>, Error> {
    let org = tx.org();
    let ids = sqlx::query_scalar!(
        "select a.id
           from attempt a
          where a.org_id = $1
            and a.ended_at is null
            and ((a.state in ('dialing', 'unknown') and (a.lease_until is null or a.lease_until < clock_timestamp()))
              or (a.state = 'bound' and a.posted_at < $2))
            and not exists (select 1
                              from job j
                             where j.org_id = a.org_id
                               and j.state in ('queued', 'running')
                               and j.about = a.id
                               and j.body ->> 'kind' = 'reconcile_attempt')",
        org.0,
        before
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ids.into_iter().map(AttemptId).collect())
}

/// Two numbers between which something was dialled.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The organization's own number.
    pub from: PhoneNumber,
    /// The line rung.
    pub to: Line,
}

/// Pairs that were dialled at or after an instant.
///
/// # Errors
/// When the database is away, or a stored number is not E.164.
pub async fn pairs_since(tx: &mut OrgTx, since: DateTime<Utc>) -> Result<Vec<Pair>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select distinct from_e164, to_e164
           from attempt
          where org_id = $1
            and posted_at >= $2",
        org.0,
        since
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| Ok(Pair { from: stored_number(&row.from_e164)?, to: stored_line(&row.to_e164)? }))
        .collect()
}

/// Which of the carrier's calls between a pair belong to nobody. The list must have been read before: each call in it had its
/// attempt allowed before it was dialled, so one look at one instant tells. Two looks would take a call that is bound between
/// them for nobody's.
///
/// # Errors
/// When the database is away.
pub async fn strays(tx: &mut OrgTx, pair: &Pair, sids: &[String]) -> Result<Vec<String>, Error> {
    let org = tx.org();
    let strays = sqlx::query_scalar!(
        r#"select s.sid as "sid!"
             from unnest($4::text[]) as s(sid)
            where not exists (select 1 from attempt a where a.org_id = $1 and a.sid = s.sid)
              and not exists (select 1
                                from attempt a
                               where a.org_id = $1
                                 and a.from_e164 = $2
                                 and a.to_e164 = $3
                                 and a.live)
              and not exists (select 1 from orphan_call o where o.org_id = $1 and o.sid = s.sid)"#,
        org.0,
        pair.from.reveal(),
        pair.to.reveal(),
        sids
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(strays)
}

/// The latest attempt between a pair.
///
/// # Errors
/// When the database is away.
pub async fn latest_of(tx: &mut OrgTx, pair: &Pair) -> Result<Option<AttemptId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "select id
           from attempt
          where org_id = $1
            and from_e164 = $2
            and to_e164 = $3
          order by created_at desc, id desc
          limit 1",
        org.0,
        pair.from.reveal(),
        pair.to.reveal()
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(AttemptId))
}

/// A call of this caller number that the carrier is known to have, posted before `before`: a list that does not show it shows
/// nothing. `None` when there is none of the last day.
///
/// # Errors
/// When the database is away, or a stored number is not E.164.
pub async fn known_call(
    tx: &mut OrgTx,
    from: &PhoneNumber,
    (after, before): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<(Line, String, DateTime<Utc>)>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select to_e164, sid as "sid!", posted_at as "posted_at!"
             from attempt
            where org_id = $1
              and from_e164 = $2
              and state = 'bound'
              and posted_at between $3 and $4
            order by posted_at desc
            limit 1"#,
        org.0,
        from.reveal(),
        after,
        before
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| Ok((stored_line(&row.to_e164)?, row.sid, row.posted_at))).transpose()
}
