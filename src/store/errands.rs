//! Errands of the call's state machine, written in the transaction that stores its new state: jobs for the telephone,
//! follow-ups for people. Nothing here speaks to the carrier.

use super::{OrgTx, attempts, audit, calls, check_ins, follow_ups, jobs, matching, text_check_ins};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallManner, Errand, Owed},
        check_in::Ending,
        disposition::Disposition,
        follow_up::{FollowUpReason, NewFollowUp, default_within},
        ids::AttemptId,
        job::Job,
        people::Actor,
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Duration, Utc};

/// After this long without a dial taken, a person is told, while Careline goes on trying.
const CARRIER_AWAY_MINUTES: i64 = 10;

/// The last words of a call are on their way for a moment when it ends; then what was said is drafted.
const DRAFT_AFTER_SECONDS: i64 = 1;

/// Lets a locked call take an event, stores it and its errands. `false` when the event did not fit and nothing changed.
///
/// # Errors
/// When the database is away.
pub async fn follow(
    tx: &mut OrgTx,
    actor: &Actor,
    call: &mut Call,
    event: CallEvent,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let Ok(errands) = call.follow(event, now) else { return Ok(false) };
    for errand in errands {
        run(tx, actor, call, errand, now).await?;
    }
    calls::save(tx, call).await?;
    if call.state.is_over() {
        if call.manner.is_automatic() {
            check_ins::end(tx, call.id, Ending::CutOff, None, now).await?;
        }
        if call.manner == CallManner::ReplyText {
            text_check_ins::close(tx, call.id, now).await?;
        }
        if call.bridged_at.is_some() && call.may_record == Some(true) {
            let soon = now + Duration::seconds(DRAFT_AFTER_SECONDS);
            jobs::enqueue(tx, &Job::DraftSummary { said: call.id }, "once", soon, now).await?;
        }
        let deed = Deed::of(DeedKind::EndedCall)
            .patient(call.patient)
            .subject(call.id.0)
            .with("state", call.state.word())
            .with("outcome", call.outcome.as_deref().unwrap_or("none"));
        let _receipt = audit::record(tx, actor, &deed, now).await?;
    }
    Ok(true)
}

/// Ends a ring that the carrier took after its call was over: whoever answers hears nothing. Called wherever a sid is bound.
///
/// # Errors
/// When the database is away.
pub async fn end_late_ring(tx: &mut OrgTx, call: &Call, attempt: AttemptId, now: DateTime<Utc>) -> Result<(), Error> {
    if call.state.is_over() {
        jobs::enqueue(tx, &Job::HangUp { call: call.id }, &format!("late-{attempt}"), now, now).await?;
    }
    Ok(())
}

async fn run(tx: &mut OrgTx, actor: &Actor, call: &mut Call, errand: Errand, now: DateTime<Utc>) -> Result<(), Error> {
    match errand {
        Errand::DialAgain(at) => dial_again(tx, actor, call, at, now).await,
        Errand::DialPatient => {
            let salt = format!("nurse-waits:{}", now.timestamp_millis());
            jobs::enqueue(tx, &Job::PlaceCall { call: call.id }, &salt, now, now).await
        }
        Errand::LetNurseGo => let_nurse_go(tx, call, now).await,
        Errand::RingNurse => ring_next_nurse(tx, actor, call, now).await,
        Errand::HangUp => {
            let salt = now.timestamp_millis().to_string();
            jobs::enqueue(tx, &Job::HangUp { call: call.id }, &salt, now, now).await
        }
        Errand::FollowUp(owed) => owe(tx, actor, call, owed, now).await,
    }
}

async fn dial_again(
    tx: &mut OrgTx,
    actor: &Actor,
    call: &mut Call,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    call.due_at = at;
    let not_taken_since = attempts::not_taken_since(tx, call.id).await?;
    if not_taken_since.is_some_and(|since| now - since >= Duration::minutes(CARRIER_AWAY_MINUTES)) {
        owe(tx, actor, call, Owed::CarrierAway, now).await?;
    }
    jobs::enqueue(tx, &Job::PlaceCall { call: call.id }, &at.timestamp_millis().to_string(), at, now).await
}

/// Ends the legs of nurses who wait in vain. What the carrier says about them afterwards adds nothing to the call.
async fn let_nurse_go(tx: &mut OrgTx, call: &Call, now: DateTime<Utc>) -> Result<(), Error> {
    for attempt in attempts::nurses_there(tx, call.id).await? {
        attempts::tell(tx, attempt, "let_go").await?;
        jobs::enqueue(tx, &Job::LetNurseGo { attempt }, "once", now, now).await?;
    }
    Ok(())
}

/// Rings the next nurse. When none is left: a patient on the line is owed a call, one who was not rung waits for the next round.
async fn ring_next_nurse(tx: &mut OrgTx, actor: &Actor, call: &mut Call, now: DateTime<Utc>) -> Result<(), Error> {
    if let Some(found) = matching::next_nurse(tx, call, now).await? {
        let nurse = found.nurse;
        call.nurses_asked.push(nurse);
        calls::explain(tx, call.id, &found.reasons).await?;
        let round = format!("round-{}", call.nurse_rounds);
        return jobs::enqueue(tx, &Job::RingNurse { call: call.id, nurse }, &round, now, now).await;
    }
    let errands = call.follow(CallEvent::NoNurseLeft, now).unwrap_or_default();
    for errand in errands {
        match errand {
            Errand::HangUp => {
                jobs::enqueue(tx, &Job::HangUp { call: call.id }, "no-nurse", now, now).await?;
            }
            Errand::FollowUp(owed) => owe(tx, actor, call, owed, now).await?,
            Errand::DialAgain(at) => dial_again(tx, actor, call, at, now).await?,
            Errand::RingNurse | Errand::DialPatient | Errand::LetNurseGo => {}
        }
    }
    Ok(())
}

/// Leaves work after a call to a named person, once per call and reason.
///
/// # Errors
/// When the database is away.
pub async fn owe(tx: &mut OrgTx, actor: &Actor, call: &Call, owed: Owed, now: DateTime<Utc>) -> Result<(), Error> {
    let reason = FollowUpReason::Call(owed);
    let urgency = urgency(tx, call, owed).await?;
    let follow_up = NewFollowUp {
        patient: call.patient,
        call: Some(call.id),
        assessment: None,
        reason,
        summary: Private::new(summary(owed).to_owned()),
        urgency,
        due_at: now + within(owed, urgency),
        once_key: format!("call:{}:{}", call.id, owed.code()),
        owner: call.nurse,
    };
    follow_ups::open(tx, actor, &follow_up, now).await?;
    Ok(())
}

/// How urgent what is owed is; after a check-in the answers so far say it.
async fn urgency(tx: &mut OrgTx, call: &Call, owed: Owed) -> Result<Disposition, Error> {
    let least = FollowUpReason::Call(owed).default_urgency();
    match owed {
        Owed::CheckInToRead | Owed::CheckInCutOff | Owed::CheckInSilent | Owed::CheckInPerson => {
            let found = check_ins::urgency(tx, call.id).await?;
            Ok(found.map_or(least, |(level, _)| level.max(least)))
        }
        Owed::Missed
        | Owed::IdentityNotProven
        | Owed::CaregiverMayNot
        | Owed::NoNurse
        | Owed::PatientHungUpWaiting
        | Owed::NumberRefused
        | Owed::Unresolved
        | Owed::CarrierAway
        | Owed::Overdue
        | Owed::RangTwice
        | Owed::CallerGone
        | Owed::NeverRung
        | Owed::RedFlagAlone => Ok(least),
    }
}

/// How soon somebody looks: who waited on the line comes first.
fn within(owed: Owed, urgency: Disposition) -> Duration {
    match owed {
        Owed::RedFlagAlone => Duration::minutes(5),
        Owed::NoNurse | Owed::PatientHungUpWaiting | Owed::CheckInPerson => Duration::minutes(15),
        Owed::Missed
        | Owed::IdentityNotProven
        | Owed::CaregiverMayNot
        | Owed::NumberRefused
        | Owed::Unresolved
        | Owed::CarrierAway
        | Owed::Overdue
        | Owed::RangTwice
        | Owed::CallerGone
        | Owed::NeverRung
        | Owed::CheckInToRead
        | Owed::CheckInCutOff
        | Owed::CheckInSilent => default_within(urgency),
    }
}

const fn summary(owed: Owed) -> &'static str {
    match owed {
        Owed::Missed => "Nobody was reached after every attempt. Find out how the patient is.",
        Owed::IdentityNotProven => "Who answered could not prove who they are. Check the number and the call code.",
        Owed::CaregiverMayNot => {
            "A caregiver answered who may not talk about health. Reach the patient, or settle consent."
        }
        Owed::NoNurse => "The patient waited on the line and no nurse came. Ring back now.",
        Owed::PatientHungUpWaiting => "The patient hung up while waiting for a nurse. Ring back now.",
        Owed::NumberRefused => {
            "The carrier refuses to dial. Check the number in the chart, then the carrier's settings."
        }
        Owed::CarrierAway => {
            "The telephone service has not taken this call for ten minutes. Ring the patient by hand, and tell whoever \
             looks after Careline. It goes on trying."
        }
        Owed::Overdue => {
            "This call is due and was not rung. Ring the patient by hand, and tell whoever looks after Careline."
        }
        Owed::RangTwice => {
            "The telephone rang once more than it should have, and whoever answered heard nothing. Say so at the next call."
        }
        Owed::CallerGone => "They rang us and were gone before they had a nurse. Ring back now.",
        Owed::NeverRung => "No nurse took this call, so the patient was not rung. Ring the patient by hand.",
        Owed::CheckInToRead => "The check-in is complete. Read the answers, decide, and sign.",
        Owed::CheckInCutOff => {
            "The check-in broke off in the middle. Read what was answered, then ring and ask the rest."
        }
        Owed::CheckInSilent => {
            "Nobody answered the check-in any more. Read what was answered, then ring and ask the rest."
        }
        Owed::CheckInPerson => {
            "They asked for a person by text. A nurse is asked to ring; if nobody has spoken with them, ring now."
        }
        Owed::RedFlagAlone => {
            "A red flag came up in the check-in and no nurse spoke with them. They were told whom to dial. Ring now."
        }
        Owed::Unresolved => "It is not known whether the telephone rang. Look at the carrier's list, then decide.",
    }
}
