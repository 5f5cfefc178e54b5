//! Rings somebody who is asked into a live call: once, by an attempt of their own, like a nurse.

use crate::{
    app::App,
    domain::{
        attempt::{AttemptState, Ownership, Party},
        audit::{Deed, DeedKind},
        call::CallState,
        floor::GuestState,
        ids::{AttemptId, CallId, GuestId},
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
        calls, dialling, guests, hand_overs, jobs, organizations, orphans, tidings,
    },
};
use chrono::Duration;
use tokio::time::Instant;

/// Rings them.
///
/// # Errors
/// When the database is away. What the carrier does becomes the attempt's state, and the page shows it.
pub async fn ring(app: &App, actor: &Actor, call: CallId, guest: GuestId) -> Result<(), Error> {
    let began = Instant::now();
    let Some(dial) = arm(app, actor, call, guest).await? else { return Ok(()) };
    // Whoever was held up this long may have been relieved.
    if began.elapsed() > app.settings.dialling.timings.fence {
        return Ok(());
    }
    let answer = app.phone.place(&dial).await;
    settle(app, actor, call, dial.attempt, answer).await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

async fn arm(app: &App, actor: &Actor, id: CallId, guest: GuestId) -> Result<Option<Dial>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, id).await?;
    let asked = guests::read(&mut tx, id, guest).await?;
    let party = Party::Guest { guest, staff: asked.staff() };
    // One guest is rung at a time, so an open attempt is this one's own, from a run before this.
    if asked.state != GuestState::Asked || attempts::of_guest(&mut tx, guest).await? {
        return Ok(None);
    }
    let to = guests::number(&mut tx, asked.whom).await?;
    let to = to.filter(|_| call.state == CallState::Bridged && asked.dismissed_at.is_none());
    let Some(to) = to else {
        hand_overs::guest_gone(&mut tx, actor, party, &call, now).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let from = organizations::calling_settings(&mut tx).await?.caller_number;
    let attempt = IntendedAttempt { id: AttemptId::at(now), call: id, party, ordinal: 1, from, to: to.into() };
    let bounds = &app.settings.dialling;
    if !attempts::intend(&mut tx, &attempt, bounds.timings.intent_lease, now).await? {
        // Their telephone is being rung for somebody else.
        hand_overs::guest_gone(&mut tx, actor, party, &call, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    attempts::arm(&mut tx, attempt.id, bounds.timings.dial_lease, now).await?;
    dialling::draw_at_once(&mut tx, &attempt.from, &bounds.rate).await?;
    let deed = Deed::of(DeedKind::DialledAttempt)
        .patient(call.patient)
        .subject(attempt.id.0)
        .with("call", id)
        .with("guest", guest);
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
            let (read, call) = tidings::lock(&mut tx, attempt).await?;
            if attempts::settle(&mut tx, (attempt, FIRST_EPOCH), AttemptState::Rejected, "refused", now).await? {
                hand_overs::guest_gone(&mut tx, actor, read.party, &call, now).await?;
            }
        }
    }
    tx.commit().await
}
