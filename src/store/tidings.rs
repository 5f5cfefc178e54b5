//! What the carrier tells about an attempt, made part of the call: used when a callback arrives and when a job asks.

use super::{OrgTx, attempts, audit::record, calls, errands, legs};
use crate::{
    domain::{
        attempt::{Attempt, AttemptState, CarrierStatus, Ownership, Party},
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallState, Unreached},
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Gives an attempt its sid if it waits for one, and says whose message it is.
///
/// # Errors
/// When the database is away.
pub async fn claim_sid(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &mut Attempt,
    call: &mut Call,
    sid: &str,
    now: DateTime<Utc>,
) -> Result<Ownership, Error> {
    let ownership = attempt.owns(sid);
    if ownership != Ownership::Binds {
        return Ok(ownership);
    }
    if !attempts::bind(tx, attempt.id, sid).await? {
        return Ok(Ownership::Surplus);
    }
    attempt.state = AttemptState::Bound;
    attempt.sid = Some(sid.to_owned());
    if attempt.party == Party::Patient {
        errands::follow(tx, actor, call, CallEvent::Bound, now).await?;
    }
    Ok(Ownership::Ours)
}

/// Moves an attempt to a carrier status and lets the call follow. `false` when the status is old news.
///
/// # Errors
/// When the database is away.
pub async fn hear_status(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    status: CarrierStatus,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    if !attempts::advance(tx, attempt.id, status.rank(), status.ending(), now).await? {
        return Ok(false);
    }
    if !status.is_terminal() {
        return Ok(true);
    }
    legs::leave_by_attempt(tx, attempt.id, now).await?;
    // An attempt whose story is told (wrong entries, nobody there, passed on) adds nothing by ending.
    if attempt.outcome.is_none()
        && let Some(event) = ending(attempt.party, call.state, status)
    {
        errands::follow(tx, actor, call, event, now).await?;
        if let CallEvent::Unreached(why) = event {
            let deed = Deed::of(DeedKind::MissedAttempt)
                .patient(call.patient)
                .subject(attempt.id.0)
                .with("call", call.id)
                .with("why", why.code());
            let _receipt = record(tx, actor, &deed, now).await?;
        }
    }
    Ok(true)
}

/// What the end of an attempt means for a call in this state.
const fn ending(party: Party, state: CallState, status: CarrierStatus) -> Option<CallEvent> {
    match (party, state) {
        (Party::Patient, CallState::Placing | CallState::Placed) => Some(CallEvent::Unreached(match status {
            CarrierStatus::Busy => Unreached::Busy,
            CarrierStatus::NoAnswer => Unreached::NoAnswer,
            CarrierStatus::Completed => Unreached::HungUp,
            CarrierStatus::Failed
            | CarrierStatus::Canceled
            | CarrierStatus::Queued
            | CarrierStatus::Initiated
            | CarrierStatus::Ringing
            | CarrierStatus::InProgress => Unreached::Failed,
        })),
        (Party::Patient, CallState::WaitingForNurse | CallState::Bridged) => Some(CallEvent::PatientLeft),
        (Party::Nurse(_), CallState::WaitingForNurse) => Some(CallEvent::NurseDidNotCome),
        (Party::Nurse(_), CallState::Bridged) => Some(CallEvent::NurseLeft),
        (
            Party::Patient | Party::Nurse(_),
            CallState::Scheduled
            | CallState::Placing
            | CallState::Placed
            | CallState::Done
            | CallState::Missed
            | CallState::Cancelled
            | CallState::NeedsPerson,
        ) => None,
    }
}

/// Reads an attempt with its call locked: the order in which everybody takes them.
///
/// # Errors
/// `NotFound` when there is no such attempt in this organization.
pub async fn lock(tx: &mut OrgTx, id: crate::domain::ids::AttemptId) -> Result<(Attempt, Call), Error> {
    let call = attempts::read(tx, id).await?.call;
    let call = calls::lock(tx, call).await?;
    // Read again under the lock: a callback may have moved it meanwhile.
    Ok((attempts::read(tx, id).await?, call))
}
