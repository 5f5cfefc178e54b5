//! Rings a nurse's telephone: for a patient who waits in the conference, or before the patient is rung.

use crate::{
    app::App,
    domain::{
        attempt::{AttemptState, Ownership, Party},
        audit::{Deed, DeedKind},
        call::{CallEvent, CallState},
        ids::{AttemptId, CallId, StaffId},
        job::Job,
        orphan::FoundBy,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        phone::{Accepted, Detect, Dial},
    },
    store::{
        attempts::{self, FIRST_EPOCH, IntendedAttempt},
        audit::record,
        browser_lines, calls, dialling, errands, jobs, organizations, orphans, tidings,
    },
};
use chrono::Duration;
use tokio::time::Instant;

/// Rings one nurse.
///
/// # Errors
/// When the database is away. What the carrier does becomes the attempt's state, and the next nurse is rung.
pub async fn ring(app: &App, actor: &Actor, call: CallId, nurse: StaffId) -> Result<(), Error> {
    let began = Instant::now();
    let Some(dial) = arm(app, actor, call, nurse).await? else { return Ok(()) };
    // Whoever was held up this long may have been relieved.
    if began.elapsed() > app.settings.dialling.timings.fence {
        return Ok(());
    }
    let answer = app.phone.place(&dial).await;
    settle(app, actor, call, dial.attempt, answer).await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

async fn arm(app: &App, actor: &Actor, id: CallId, nurse: StaffId) -> Result<Option<Dial>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    let open = attempts::open_one(&mut tx, id, Party::Nurse(nurse)).await?;
    let is_wanted = matches!(call.state, CallState::WaitingForNurse | CallState::AskingNurse);
    if !is_wanted || open.is_some() || call.nurses_asked.last() != Some(&nurse) {
        return Ok(None);
    }
    let Some(to) = browser_lines::of_nurse(&mut tx, nurse).await? else {
        // They left, or their number was taken away, since they were chosen.
        errands::follow(&mut tx, actor, &mut call, CallEvent::NurseDidNotCome, now).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let attempt = IntendedAttempt {
        id: AttemptId::at(now),
        call: id,
        party: Party::Nurse(nurse),
        ordinal: i32::try_from(call.nurses_asked.len()).unwrap_or(i32::MAX),
        from: organizations::calling_settings(&mut tx).await?.caller_number,
        to,
    };
    let bounds = &app.settings.dialling;
    if !attempts::intend(&mut tx, &attempt, bounds.timings.intent_lease, now).await? {
        // Their telephone is being rung for somebody else; the next one is asked.
        errands::follow(&mut tx, actor, &mut call, CallEvent::NurseDidNotCome, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    attempts::arm(&mut tx, attempt.id, bounds.timings.dial_lease, now).await?;
    dialling::draw_at_once(&mut tx, &attempt.from, &bounds.rate).await?;
    let deed = Deed::of(DeedKind::DialledAttempt)
        .patient(call.patient)
        .subject(attempt.id.0)
        .with("call", id)
        .with("nurse", nurse);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    let watch = Job::ReconcileAttempt { attempt: attempt.id };
    jobs::enqueue(&mut tx, &watch, "watch", now + Duration::seconds(30), now).await?;
    tx.commit().await?;
    let ring_for = std::time::Duration::from_secs(app.settings.ring_seconds);
    let detect = Detect::Nothing;
    Ok(Some(Dial { org: actor.org, attempt: attempt.id, to: attempt.to, from: attempt.from, ring_for, detect }))
}

async fn settle(
    app: &App,
    actor: &Actor,
    id: CallId,
    attempt: AttemptId,
    answer: Result<Accepted, Outage>,
) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    match answer {
        Ok(accepted) => {
            let (mut read, mut call) = tidings::lock(&mut tx, attempt).await?;
            let sid = &accepted.sid.0;
            if tidings::claim_sid(&mut tx, actor, &mut read, &mut call, sid, now).await? != Ownership::Ours {
                orphans::notice(&mut tx, actor, (&read, &call), (sid, FoundBy::Reply), now).await?;
            }
        }
        Err(Outage { kind: OutageKind::TimedOut | OutageKind::Broken | OutageKind::Garbled, .. }) => {
            let _call = calls::lock(&mut tx, id).await?;
            attempts::settle(&mut tx, (attempt, FIRST_EPOCH), AttemptState::Unknown, "unknown", now).await?;
            let soon = now + Duration::seconds(10);
            jobs::enqueue(&mut tx, &Job::ReconcileAttempt { attempt }, "unknown", soon, now).await?;
        }
        Err(Outage { kind: OutageKind::Unreachable | OutageKind::Throttled | OutageKind::Refused(_), .. }) => {
            let mut call = calls::lock(&mut tx, id).await?;
            if attempts::settle(&mut tx, (attempt, FIRST_EPOCH), AttemptState::Rejected, "refused", now).await? {
                errands::follow(&mut tx, actor, &mut call, CallEvent::NurseDidNotCome, now).await?;
            }
        }
    }
    tx.commit().await
}
