//! What the carrier tells about an attempt, made part of the call: used when a callback arrives and when a job asks.

use super::{OrgTx, attempts, audit::record, calls, errands, hand_overs, jobs, legs, progress};
use crate::{
    domain::{
        answering::AnsweredBy,
        attempt::{Attempt, AttemptState, CarrierStatus, Ownership, Party, QUEUED_TOO_LONG},
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallState, Unreached},
        job::Job,
        people::Actor,
        progress::{Heard, Report},
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
    errands::end_late_ring(tx, call, attempt.id, now).await?;
    Ok(Ownership::Ours)
}

/// Lets an attempt take a callback's status and its call follow. `false` when the status is old news.
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
    hear(tx, actor, attempt, call, Report::Callback(status), now).await
}

/// The same for what the carrier itself said when it was asked: this settles what callbacks contradict each other about.
///
/// # Errors
/// When the database is away.
pub async fn read_status(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    status: CarrierStatus,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    hear(tx, actor, attempt, call, Report::Read(status), now).await
}

async fn hear(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    report: Report,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    match progress::hear(tx, attempt.id, report, now).await? {
        Heard::OldNews => return Ok(false),
        Heard::News => {}
        Heard::Ended(status) => end(tx, actor, attempt, call, status, now).await?,
        Heard::Disputed => {
            jobs::enqueue(tx, &Job::ReconcileAttempt { attempt: attempt.id }, "disputed", now, now).await?;
        }
        Heard::Corrected { from, to } => correct(tx, actor, attempt, call, (from, to), now).await?,
    }
    Ok(true)
}

/// An attempt has ended, which is heard once.
async fn end(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    status: CarrierStatus,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    legs::leave_by_attempt(tx, attempt.id, now).await?;
    hand_overs::guest_gone(tx, actor, attempt.party, call, now).await?;
    // An attempt whose story is told (wrong entries, nobody there, passed on) adds nothing by ending.
    let is_taken_back = attempt.outcome.as_deref() == Some(QUEUED_TOO_LONG);
    if is_taken_back && matches!(status, CarrierStatus::Canceled | CarrierStatus::Failed) {
        errands::follow(tx, actor, call, CallEvent::NotTaken, now).await?;
    } else if (attempt.outcome.is_none() || is_taken_back)
        && let Some(event) = ending(tx, actor, attempt, call, status, now).await?
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
    Ok(())
}

/// The carrier knows another ending than the first callback: nobody is rung again for that, the reason shown is put right.
async fn correct(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    (from, to): (CarrierStatus, CarrierStatus),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let stands = match call.state {
        CallState::Scheduled | CallState::Missed => call.outcome.as_deref() == Some(unreached(from).code()),
        CallState::AskingNurse
        | CallState::NurseReady
        | CallState::Placing
        | CallState::Placed
        | CallState::WaitingForNurse
        | CallState::Bridged
        | CallState::Done
        | CallState::Cancelled
        | CallState::NeedsPerson => false,
    };
    if stands && attempt.party == Party::Patient {
        call.outcome = Some(unreached(to).code().to_owned());
        calls::save(tx, call).await?;
    }
    let deed = Deed::of(DeedKind::SettledAttempt)
        .patient(call.patient)
        .subject(attempt.id.0)
        .with("call", call.id)
        .with("reported", from.ending().unwrap_or_default())
        .with("ending", to.ending().unwrap_or_default());
    let _receipt = record(tx, actor, &deed, now).await?;
    Ok(())
}

/// What the end of an attempt means for its call. While a nurse waits, only her own leg counts: that of a colleague who was
/// asked before her may end late.
async fn ending(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    status: CarrierStatus,
    now: DateTime<Utc>,
) -> Result<Option<CallEvent>, Error> {
    if call.nurse_since.is_some()
        && let Party::Nurse(nurse) = attempt.party
    {
        return Ok((call.nurse == Some(nurse)).then_some(CallEvent::NurseLeft));
    }
    Ok(match (attempt.party, call.state) {
        // A machine that hangs up after its beep, with no key ever pressed, was a voicemail.
        (Party::Patient, CallState::Placed)
            if status == CarrierStatus::Completed
                && attempt.answered_by == Some(AnsweredBy::MachineBeep)
                && call.script.is_untouched() =>
        {
            Some(CallEvent::Unreached(Unreached::Voicemail))
        }
        (Party::Patient, CallState::Placing | CallState::Placed) => Some(CallEvent::Unreached(unreached(status))),
        (Party::Patient, CallState::WaitingForNurse | CallState::Bridged) => Some(CallEvent::PatientLeft),
        (Party::Nurse(_), CallState::AskingNurse | CallState::WaitingForNurse) => Some(CallEvent::NurseDidNotCome),
        (Party::Nurse(_) | Party::Guest { .. }, CallState::Bridged) if attempt.party.is_that_of(call.nurse) => {
            hand_overs::nurse_gone(tx, actor, call, now).await?
        }
        (
            Party::Patient | Party::Nurse(_) | Party::Guest { .. },
            CallState::Scheduled
            | CallState::AskingNurse
            | CallState::NurseReady
            | CallState::Placing
            | CallState::Placed
            | CallState::WaitingForNurse
            | CallState::Bridged
            | CallState::Done
            | CallState::Missed
            | CallState::Cancelled
            | CallState::NeedsPerson,
        ) => None,
    })
}

/// Why an attempt on a patient that ended before the conference did not reach them.
const fn unreached(status: CarrierStatus) -> Unreached {
    match status {
        CarrierStatus::Busy => Unreached::Busy,
        CarrierStatus::NoAnswer => Unreached::NoAnswer,
        CarrierStatus::Completed => Unreached::HungUp,
        CarrierStatus::Failed
        | CarrierStatus::Canceled
        | CarrierStatus::Queued
        | CarrierStatus::Initiated
        | CarrierStatus::Ringing
        | CarrierStatus::InProgress => Unreached::Failed,
    }
}

/// Reads an attempt with its call locked: the order in which everybody takes them.
///
/// # Errors
/// `NotFound` when there is no such attempt in this organization.
pub async fn lock(tx: &mut OrgTx, id: crate::domain::ids::AttemptId) -> Result<(Attempt, Call), Error> {
    let call = calls::lock_of(tx, id).await?;
    // Read under the lock: a callback may have moved it meanwhile.
    Ok((attempts::read(tx, id).await?, call))
}
