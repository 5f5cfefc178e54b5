//! Dials the patient of a due call, once. Intent is committed before the telephone is touched; whatever the carrier
//! answers, the same attempt is never sent twice (reliability: one attempt, one ring).

use crate::{
    app::App,
    domain::{
        attempt::{AttemptState, LONGEST_QUEUE_SECONDS, Ownership, Party, QUEUED_TOO_LONG},
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallManner, CallState, FirstRung},
        contact_hours::may_call,
        dialling::stretch,
        ids::{AttemptId, CallId},
        job::Job,
        orphan::FoundBy,
        people::{Actor, PhoneNumber},
    },
    error::Error,
    failpoint::FailPoint,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        phone::{Accepted, Detect, Dial},
    },
    store::{
        OrgTx,
        attempts::{self, FIRST_EPOCH, IntendedAttempt},
        audit::{open_chart, record},
        by_text, calls,
        dialling::{self, Slot},
        errands, first_rung,
        hold_back::hold_back,
        jobs, organizations, orphans,
        standing::{number, standing},
        sweeps, tidings,
    },
};
use chrono::{DateTime, Duration, Utc};
use tokio::time::Instant;

/// Places a due call.
///
/// # Errors
/// When the database is away. What the carrier does is never an error here: it becomes the attempt's state.
pub async fn place(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    if was_made_before_the_restore(app, actor, call).await? {
        return Ok(());
    }
    let dial = loop {
        match intend(app, actor, call).await? {
            Intent::Written(dial) => break dial,
            Intent::None => return Ok(()),
            Intent::SlotDrawn => {}
        }
    };
    FailPoint::ClaimPost.pass();
    let Some(armed) = arm(app, actor, call, dial.attempt).await? else { return Ok(()) };
    FailPoint::ArmPost.pass();
    // Whoever was held up this long (a pause of the machine, a stopped process) may have been relieved.
    if armed.elapsed() > app.settings.dialling.timings.fence {
        return Ok(());
    }
    FailPoint::PostPre.pass();
    // Past this line the telephone may ring, whatever we hear.
    let answer = app.phone.place(&dial).await;
    FailPoint::PostPost.pass();
    settle(app, actor, call, dial.attempt, answer).await?;
    FailPoint::BindPost.pass();
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// A call that was due before this database was restored may have been made from the lost one: the carrier knows. One that
/// was is left to a person.
async fn was_made_before_the_restore(app: &App, actor: &Actor, id: CallId) -> Result<bool, Error> {
    let mut tx = app.db.begin(actor).await?;
    let Some(restored) = dialling::restored_at(&mut tx).await? else { return Ok(false) };
    let call = calls::lock(&mut tx, id).await?;
    if !is_to_be_dialled(&call) || call.due_at > restored {
        return Ok(false);
    }
    let receipt = open_chart(&mut tx, actor, call.patient, DeedKind::OpenedCall, app.clock.now()).await?;
    let to = number(&mut tx, &receipt).await?;
    let from = organizations::calling_settings(&mut tx).await?.caller_number;
    tx.commit().await?;
    let listed = app.phone.find(&to.clone().into(), &from, call.due_at).await?;
    let sids: Vec<String> = listed.into_iter().map(|one| one.sid.0).collect();
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    let foreign = sweeps::strays(&mut tx, &sweeps::Pair { from, to: to.into() }, &sids).await?;
    if foreign.is_empty() || !is_to_be_dialled(&call) {
        return Ok(false);
    }
    errands::follow(&mut tx, actor, &mut call, CallEvent::Unresolved, now).await?;
    tx.commit().await?;
    app.live.publish(actor.org, id, LiveEvent::CallMoved);
    Ok(true)
}

/// What comes of a look at a due call.
enum Intent {
    /// The attempt is written; this is what to dial.
    Written(Dial),
    /// Not now, or not by this job.
    None,
    /// Its turn was drawn and is now. Everything is asked anew: whoever draws holds up every other draw until the commit, so
    /// nothing else is done in that transaction.
    SlotDrawn,
}

/// Writes the attempt, if the call is due and the rules allow it.
async fn intend(app: &App, actor: &Actor, id: CallId) -> Result<Intent, Error> {
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
        return Ok(Intent::None);
    }
    if !is_to_be_dialled(&call) || call.due_at > now {
        return Ok(Intent::None);
    }
    if call.is_too_late(now) {
        errands::follow(&mut tx, actor, &mut call, CallEvent::WindowClosed, now).await?;
        tx.commit().await?;
        return Ok(Intent::None);
    }
    let settings = organizations::calling_settings(&mut tx).await?;
    if let Err(held) = may_call(now, &standing, call.manner) {
        errands::follow(&mut tx, actor, &mut call, CallEvent::HeldBack, now).await?;
        hold_back(&mut tx, actor, &mut call, held, now).await?;
        tx.commit().await?;
        return Ok(Intent::None);
    }
    if let Some(instead) = hindered(app, actor, &mut tx, &mut call, &settings.caller_number, now).await? {
        tx.commit().await?;
        return Ok(instead);
    }
    let receipt = open_chart(&mut tx, actor, call.patient, DeedKind::IntendedAttempt, now).await?;
    let to = number(&mut tx, &receipt).await?;
    let from = settings.caller_number;
    let attempt = AttemptId::at(now);
    let ordinal = call.attempts.saturating_add(1);
    let intended = IntendedAttempt { id: attempt, call: id, party: Party::Patient, ordinal, from, to: to.into() };
    if !attempts::intend(&mut tx, &intended, app.settings.dialling.timings.intent_lease, now).await? {
        // Another call rings these two numbers at this moment.
        drop(tx);
        later(app, actor, id, now + Duration::seconds(10), now).await?;
        return Ok(Intent::None);
    }
    errands::follow(&mut tx, actor, &mut call, CallEvent::Armed, now).await?;
    FailPoint::ClaimPre.pass();
    tx.commit().await?;
    let ring_for = std::time::Duration::from_secs(app.settings.ring_seconds);
    let detect = Detect::Machines;
    let dial = Dial { org: actor.org, attempt, to: intended.to, from: intended.from, ring_for, detect };
    Ok(Intent::Written(dial))
}

/// Whether a call is one that `place` dials, or has a nurse asked for, once it is due.
fn is_to_be_dialled(call: &Call) -> bool {
    matches!(call.state, CallState::Scheduled | CallState::NurseReady)
}

/// What keeps the patient from being rung at this instant: they are asked by text, dialling is paused, a nurse is to be rung
/// first, or the pace leaves no room. What comes first is enqueued; the caller commits.
async fn hindered(
    app: &App,
    actor: &Actor,
    tx: &mut OrgTx,
    call: &mut Call,
    caller: &PhoneNumber,
    now: DateTime<Utc>,
) -> Result<Option<Intent>, Error> {
    if call.manner == CallManner::ReplyText {
        by_text::begin(tx, actor, call, now).await?;
        return Ok(Some(Intent::None));
    }
    let pause = dialling::pause_in_force(tx, actor, now).await?;
    if pause.is_some() {
        let again = now + Duration::seconds(30);
        let salt = format!("paused:{}", again.timestamp_millis());
        jobs::enqueue(tx, &Job::PlaceCall { call: call.id }, &salt, again, now).await?;
        return Ok(Some(Intent::None));
    }
    // No nurse waits for a call on which an automatic voice asks.
    if call.state == CallState::Scheduled
        && call.manner == CallManner::Nurse
        && first_rung::of(tx, call.purpose).await? == FirstRung::Nurse
    {
        errands::follow(tx, actor, call, CallEvent::NurseFirst, now).await?;
        return Ok(Some(Intent::None));
    }
    match dialling::draw_slot(tx, call.id, caller, &app.settings.dialling.rate).await? {
        Slot::Now => Ok(None),
        Slot::Drawn => Ok(Some(Intent::SlotDrawn)),
        Slot::In(seconds) => {
            let wait = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let again = now + stretch(wait);
            let salt = format!("slot:{}", again.timestamp_micros());
            jobs::enqueue(tx, &Job::PlaceCall { call: call.id }, &salt, again, now).await?;
            Ok(Some(Intent::None))
        }
    }
}

async fn later(app: &App, actor: &Actor, call: CallId, at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let salt = format!("engaged:{}", at.timestamp_millis());
    jobs::enqueue(&mut tx, &Job::PlaceCall { call }, &salt, at, now).await?;
    tx.commit().await
}

/// Allows the attempt to be sent, after asking once more whether the telephone may ring at this instant. Returns when that
/// was, by a clock that no one sets.
async fn arm(app: &App, actor: &Actor, id: CallId, attempt: AttemptId) -> Result<Option<Instant>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, id).await?;
    let standing = standing(&mut tx, patient, now).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    let held = may_call(now, &standing, call.manner).err();
    let may_dial = call.state == CallState::Placing && held.is_none();
    if may_dial {
        if !attempts::arm(&mut tx, attempt, app.settings.dialling.timings.dial_lease, now).await? {
            // The lease ran out meanwhile: whoever sweeps gives the attempt up and has the call dialled again.
            return Ok(None);
        }
        let deed = Deed::of(DeedKind::DialledAttempt)
            .patient(call.patient)
            .subject(attempt.0)
            .with("call", id)
            .with("ordinal", call.attempts);
        let _receipt = record(&mut tx, actor, &deed, now).await?;
        let later = now + Duration::seconds(30);
        jobs::enqueue(&mut tx, &Job::ReconcileAttempt { attempt }, "watch", later, now).await?;
        FailPoint::ArmPre.pass();
        let armed = Instant::now();
        tx.commit().await?;
        return Ok(Some(armed));
    }
    attempts::settle(&mut tx, (attempt, FIRST_EPOCH), AttemptState::Abandoned, "held_back", now).await?;
    if let Some(held) = held
        && errands::follow(&mut tx, actor, &mut call, CallEvent::NotTaken, now).await?
    {
        errands::follow(&mut tx, actor, &mut call, CallEvent::HeldBack, now).await?;
        hold_back(&mut tx, actor, &mut call, held, now).await?;
    }
    tx.commit().await?;
    Ok(None)
}

/// Makes the carrier's answer the attempt's state. Only a proven "no telephone rang" allows another attempt.
async fn settle(
    app: &App,
    actor: &Actor,
    id: CallId,
    attempt: AttemptId,
    answer: Result<Accepted, Outage>,
) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let code = match answer {
        Ok(accepted) => accept(&mut tx, actor, attempt, &accepted, now).await?.to_owned(),
        Err(outage) => {
            let mut call = calls::lock(&mut tx, id).await?;
            refuse(&mut tx, actor, &mut call, attempt, &outage.kind, now).await?
        }
    };
    let patient = calls::patient_of(&mut tx, id).await?;
    let deed = Deed::of(DeedKind::SettledAttempt).patient(patient).subject(attempt.0).with("call", id).with("as", code);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await
}

/// The carrier has it: compare and swap. A ring that comes too late for its attempt is ended unheard.
async fn accept(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: AttemptId,
    accepted: &Accepted,
    now: DateTime<Utc>,
) -> Result<&'static str, Error> {
    let (mut read, mut call) = tidings::lock(tx, attempt).await?;
    FailPoint::BindPre.pass();
    let ownership = tidings::claim_sid(tx, actor, &mut read, &mut call, &accepted.sid.0, now).await?;
    if ownership != Ownership::Ours {
        orphans::notice(tx, actor, (&read, &call), (&accepted.sid.0, FoundBy::Reply), now).await?;
        return Ok("surplus");
    }
    if accepted.waits.as_secs() > LONGEST_QUEUE_SECONDS && read.outcome.is_none() {
        // The pace was wrong. A call that rings some time later is nobody's plan, so it is taken back.
        attempts::tell(tx, attempt, QUEUED_TOO_LONG).await?;
        jobs::enqueue(tx, &Job::ReconcileAttempt { attempt }, "queued", now, now).await?;
        return Ok(QUEUED_TOO_LONG);
    }
    Ok("bound")
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
    // A callback may have bound the attempt meanwhile, or somebody taken it over; then its own story goes on.
    if attempts::settle(tx, (attempt, FIRST_EPOCH), state, &outcome, now).await? {
        match event {
            Some(event) => {
                FailPoint::RejectPre.pass();
                errands::follow(tx, actor, call, event, now).await?;
            }
            None => {
                FailPoint::UnknownPre.pass();
                let soon = now + Duration::seconds(10);
                jobs::enqueue(tx, &Job::ReconcileAttempt { attempt }, "unknown", soon, now).await?;
            }
        }
    }
    Ok(outcome)
}
