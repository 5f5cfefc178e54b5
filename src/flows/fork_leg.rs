//! Forks a leg's audio again after it was lost: a stream ended, or Careline itself was away. People talk on meanwhile;
//! the conference is the carrier's.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::LegId,
        job::Job,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        phone::{CarrierSid, Fork},
    },
    store::{
        audit::record,
        gaps::{self, Deaf, GapReason},
        jobs,
        legs::{self, LegHearing, STALE_SECONDS},
    },
};
use chrono::Duration;

/// How soon the carrier is asked again after it did not take a fork.
const AGAIN_SECONDS: i64 = 2;

/// Forks a leg, unless it left, is heard, or a stream of it is on its way. Run by a job; may run twice.
///
/// # Errors
/// When the database is away. A carrier that is away is asked again by another job as long as the leg is there.
pub async fn fork(app: &App, actor: &Actor, leg: LegId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let Some(live) = legs::lock_live(&mut tx, leg, now).await? else { return Ok(()) };
    match live.hearing {
        LegHearing::CaredFor => return Ok(()),
        LegHearing::Lost => {}
        LegHearing::Orphaned => {
            let deaf = Deaf { call: live.call, leg, patient: live.patient };
            gaps::tell_silence(&mut tx, actor, deaf, None, GapReason::CarelineRestarted, now).await?;
        }
    }
    let stream = legs::new_stream(&mut tx, live.call, leg, now).await?;
    let deed = Deed::of(DeedKind::MovedStream)
        .patient(live.patient)
        .subject(stream.id.0)
        .with("call", live.call)
        .with("leg", leg)
        .with("event", "asked");
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    app.live.publish(actor.org, live.call, LiveEvent::CallMoved);

    let fork = Fork { org: actor.org, stream: stream.id, token: stream.token };
    let Err(outage) = app.phone.fork(&CarrierSid(live.sid), &fork).await else { return Ok(()) };
    tracing::warn!(leg = %leg, stream = %stream.id, error = %outage, "a leg was not forked");
    // Its token must open nothing any more, should the carrier have taken it after all: the next stream is the one.
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    legs::give_up_stream(&mut tx, stream.id, now).await?;
    if may_pass(&outage) {
        let again_at = now + Duration::seconds(AGAIN_SECONDS);
        jobs::enqueue(&mut tx, &Job::ForkLeg { leg }, &format!("again:{}", stream.id), again_at, now).await?;
    }
    tx.commit().await
}

/// Has every leg looked at that should be heard: now, and again when a stream whose process has just died has gone stale.
/// Called when a process begins; legs that another process hears are left alone. How many legs there were.
///
/// # Errors
/// When the database is away.
pub async fn after_restart(app: &App, actor: &Actor) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let legs = legs::live(&mut tx).await?;
    for leg in &legs {
        for after in 0..=STALE_SECONDS {
            let after = Duration::seconds(after);
            let at = now + after;
            let salt = format!("restart:{}", at.timestamp_micros());
            jobs::enqueue(&mut tx, &Job::ForkLeg { leg: *leg }, &salt, at, now).await?;
        }
    }
    tx.commit().await?;
    Ok(legs.len())
}

/// Whether asking again may help. A refusal means that the carrier has no such leg; its own message will tell.
const fn may_pass(outage: &Outage) -> bool {
    match outage.kind {
        OutageKind::Unreachable
        | OutageKind::TimedOut
        | OutageKind::Broken
        | OutageKind::Throttled
        | OutageKind::Garbled => true,
        OutageKind::Refused(_) => false,
    }
}
