//! Rings a colleague for a call: a nurse, or somebody who is asked in. They are rung once, by an attempt of their own, and at
//! once: somebody is on the line or is about to be, so the pace is paid for afterwards.

pub mod guest;
pub mod nurse;

use crate::{
    app::App,
    domain::{
        attempt::{AttemptState, Ownership, Party},
        audit::{Deed, DeedKind},
        call::Call,
        ids::{AttemptId, CallId},
        job::Job,
        line::Line,
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
        OrgTx,
        attempts::{self, FIRST_EPOCH, IntendedAttempt},
        audit::record,
        calls, dialling, hand_overs, jobs, organizations, orphans, tidings,
    },
};
use chrono::Duration;
use tokio::time::Instant;

/// Who is rung.
struct Colleague {
    /// Who they are to the call.
    party: Party,
    /// Which of their kind they are in this call, from 1.
    ordinal: i32,
    /// Where; nothing when they are not to be rung any more.
    line: Option<Line>,
}

/// Rings them, in the transaction that looked whether they are wanted and was begun at `began`.
async fn ring_once(
    app: &App,
    actor: &Actor,
    began: Instant,
    tx: OrgTx,
    mut call: Call,
    whom: Colleague,
) -> Result<(), Error> {
    let Some(dial) = arm(app, actor, tx, &mut call, whom).await? else { return Ok(()) };
    // Whoever was held up this long may have been relieved.
    if began.elapsed() > app.settings.dialling.timings.fence {
        return Ok(());
    }
    let answer = app.phone.place(&dial).await;
    settle(app, actor, call.id, dial.attempt, answer).await?;
    app.live.publish(actor.org, call.id, LiveEvent::CallMoved);
    Ok(())
}

async fn arm(app: &App, actor: &Actor, mut tx: OrgTx, call: &mut Call, whom: Colleague) -> Result<Option<Dial>, Error> {
    let now = app.clock.now();
    let Colleague { party, ordinal, line } = whom;
    let Some(to) = line else {
        hand_overs::came_to_nothing(&mut tx, actor, party, call, now).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let from = organizations::calling_settings(&mut tx).await?.caller_number;
    let attempt = IntendedAttempt { id: AttemptId::at(now), call: call.id, party, ordinal, from, to };
    let bounds = &app.settings.dialling;
    if !attempts::intend(&mut tx, &attempt, bounds.timings.intent_lease, now).await? {
        // Their telephone is being rung for somebody else.
        hand_overs::came_to_nothing(&mut tx, actor, party, call, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    attempts::arm(&mut tx, attempt.id, bounds.timings.dial_lease, now).await?;
    dialling::draw_at_once(&mut tx, &attempt.from, &bounds.rate).await?;
    let deed = Deed::of(DeedKind::DialledAttempt).patient(call.patient).subject(attempt.id.0).with("call", call.id);
    let deed = match party {
        Party::Patient => deed,
        Party::Nurse(nurse) => deed.with("nurse", nurse),
        Party::Guest { guest, .. } => deed.with("guest", guest),
    };
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    let watch = Job::ReconcileAttempt { attempt: attempt.id };
    jobs::enqueue(&mut tx, &watch, "watch", now + Duration::seconds(30), now).await?;
    tx.commit().await?;
    let ring_for = std::time::Duration::from_secs(app.settings.ring_seconds);
    let detect = Detect::Nothing;
    Ok(Some(Dial { org: actor.org, attempt: attempt.id, to: attempt.to, from: attempt.from, ring_for, detect }))
}

/// Makes the carrier's answer the attempt's state.
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
            let (read, mut call) = tidings::lock(&mut tx, attempt).await?;
            if attempts::settle(&mut tx, (attempt, FIRST_EPOCH), AttemptState::Rejected, "refused", now).await? {
                hand_overs::came_to_nothing(&mut tx, actor, read.party, &mut call, now).await?;
            }
        }
    }
    tx.commit().await
}
