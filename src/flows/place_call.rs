//! Dials the patient of a due call, once. Intent is committed before the telephone is touched; whatever the carrier
//! answers, the same attempt is never sent twice (reliability: one attempt, one ring).

use crate::{
    app::App,
    domain::{
        attempt::{AttemptState, Party},
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallState},
        contact_hours::{Channel, may_contact},
        ids::{AttemptId, CallId},
        job::Job,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        phone::{CarrierSid, Dial},
    },
    store::{
        OrgTx,
        attempts::{self, IntendedAttempt},
        audit::{open_chart, record},
        calls, errands,
        hold_back::hold_back,
        jobs, organizations,
        standing::{number, standing},
    },
};
use chrono::{DateTime, Duration, Utc};

/// Places a due call.
///
/// # Errors
/// When the database is away. What the carrier does is never an error here: it becomes the attempt's state.
pub async fn place(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let Some(dial) = intend(app, actor, call).await? else { return Ok(()) };
    if !arm(app, actor, call, dial.attempt).await? {
        return Ok(());
    }
    // Past this line the telephone may ring, whatever we hear.
    let answer = app.phone.place(&dial).await;
    settle(app, actor, call, dial.attempt, answer).await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// Writes the attempt, if the call is due and the rules allow it.
async fn intend(app: &App, actor: &Actor, id: CallId) -> Result<Option<Dial>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, id).await?;
    let standing = standing(&mut tx, patient, now).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    if call.state == CallState::Placing {
        // This job ran before and its process died: whatever it left open is looked into, not repeated.
        if let Some(attempt) = attempts::open_one(&mut tx, id, Party::Patient).await? {
            let again = now + Duration::seconds(5);
            jobs::enqueue(&mut tx, &Job::ReconcileAttempt { attempt }, "rerun", again, now).await?;
            tx.commit().await?;
        }
        return Ok(None);
    }
    if call.state != CallState::Scheduled || call.due_at > now {
        return Ok(None);
    }
    let settings = organizations::calling_settings(&mut tx).await?;
    if let Err(held) = may_contact(now, &standing, Channel::Voice) {
        hold_back(&mut tx, actor, &mut call, held, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let receipt = open_chart(&mut tx, actor, call.patient, DeedKind::IntendedAttempt, now).await?;
    let to = number(&mut tx, &receipt).await?;
    errands::follow(&mut tx, actor, &mut call, CallEvent::Armed, now).await?;
    let attempt = IntendedAttempt {
        id: AttemptId::at(now),
        call: id,
        party: Party::Patient,
        ordinal: call.attempts,
        from: settings.caller_number,
        to,
    };
    attempts::intend(&mut tx, &attempt, now).await?;
    tx.commit().await?;
    let ring_for = std::time::Duration::from_secs(app.settings.ring_seconds);
    Ok(Some(Dial { org: actor.org, attempt: attempt.id, to: attempt.to, from: attempt.from, ring_for }))
}

/// Allows the attempt to be sent, after asking once more whether the telephone may ring at this instant.
async fn arm(app: &App, actor: &Actor, id: CallId, attempt: AttemptId) -> Result<bool, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, id).await?;
    let standing = standing(&mut tx, patient, now).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    let held = may_contact(now, &standing, Channel::Voice).err();
    let may_dial = call.state == CallState::Placing && held.is_none();
    if may_dial && attempts::arm(&mut tx, attempt, now).await? {
        let deed = Deed::of(DeedKind::DialledAttempt)
            .patient(call.patient)
            .subject(attempt.0)
            .with("call", id)
            .with("ordinal", call.attempts);
        let _receipt = record(&mut tx, actor, &deed, now).await?;
        let later = now + Duration::seconds(30);
        jobs::enqueue(&mut tx, &Job::ReconcileAttempt { attempt }, "watch", later, now).await?;
        tx.commit().await?;
        return Ok(true);
    }
    attempts::settle(&mut tx, attempt, AttemptState::Abandoned, "held_back", now).await?;
    if let Some(held) = held
        && errands::follow(&mut tx, actor, &mut call, CallEvent::NotTaken, now).await?
    {
        hold_back(&mut tx, actor, &mut call, held, now).await?;
    }
    tx.commit().await?;
    Ok(false)
}

/// Makes the carrier's answer the attempt's state. Only a proven "no telephone rang" allows another attempt.
async fn settle(
    app: &App,
    actor: &Actor,
    id: CallId,
    attempt: AttemptId,
    answer: Result<CarrierSid, Outage>,
) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    let mut surplus = None;
    let code = match answer {
        Ok(sid) => {
            attempts::bind(&mut tx, attempt, &sid.0).await?;
            errands::follow(&mut tx, actor, &mut call, CallEvent::Bound, now).await?;
            errands::end_late_ring(&mut tx, &call, attempt, now).await?;
            if attempts::read(&mut tx, attempt).await?.sid.as_ref() == Some(&sid.0) {
                "bound".to_owned()
            } else {
                // Another ring owns the attempt: this one is ended unheard.
                surplus = Some(sid);
                "surplus".to_owned()
            }
        }
        Err(outage) => refuse(&mut tx, actor, &mut call, attempt, &outage.kind, now).await?,
    };
    let deed =
        Deed::of(DeedKind::SettledAttempt).patient(call.patient).subject(attempt.0).with("call", id).with("as", code);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    match surplus {
        Some(sid) => Ok(app.phone.end(&sid, None).await?),
        None => Ok(()),
    }
}

async fn refuse(
    tx: &mut OrgTx,
    actor: &Actor,
    call: &mut Call,
    attempt: AttemptId,
    kind: &OutageKind,
    now: DateTime<Utc>,
) -> Result<String, Error> {
    let (state, outcome, event) = match kind {
        OutageKind::Unreachable => {
            (AttemptState::Rejected, "carrier_unreachable".to_owned(), Some(CallEvent::NotTaken))
        }
        OutageKind::Throttled => (AttemptState::Rejected, "carrier_throttled".to_owned(), Some(CallEvent::NotTaken)),
        OutageKind::Refused(code) => {
            (AttemptState::Rejected, format!("refused_{code}"), Some(CallEvent::NumberRefused))
        }
        OutageKind::TimedOut | OutageKind::Broken | OutageKind::Garbled => {
            (AttemptState::Unknown, "unknown".to_owned(), None)
        }
    };
    // A callback may have bound the attempt meanwhile; then the carrier has it and its own story goes on.
    if attempts::settle(tx, attempt, state, &outcome, now).await? {
        match event {
            Some(event) => {
                errands::follow(tx, actor, call, event, now).await?;
            }
            None => {
                let soon = now + Duration::seconds(10);
                jobs::enqueue(tx, &Job::ReconcileAttempt { attempt }, "unknown", soon, now).await?;
            }
        }
    }
    Ok(outcome)
}
