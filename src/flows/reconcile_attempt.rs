//! Asks the carrier what became of an attempt: binds what it finds, ends what is surplus, settles what is absent, and
//! hears the ending that a lost callback kept from us. Nothing is ever dialled here.

use crate::{
    app::App,
    domain::{
        attempt::{Attempt, AttemptState, Party},
        audit::{Deed, DeedKind},
        call::CallEvent,
        ids::AttemptId,
        job::Job,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        phone::{CarrierCall, CarrierSid, CarrierStatus},
    },
    store::{attempts, audit::record, errands, jobs, progress, tidings},
};
use chrono::{DateTime, Duration, Utc};

/// The carrier's code for a call it does not know.
const NO_SUCH_CALL: &str = "20404";

/// Looks into one attempt, and again later while it is open.
///
/// # Errors
/// When the carrier or the database is away; the job then runs again.
pub async fn reconcile(app: &App, actor: &Actor, attempt: AttemptId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let (read, _call) = tidings::lock(&mut tx, attempt).await?;
    let numbers = attempts::numbers(&mut tx, attempt).await?;
    let is_disputed = progress::is_disputed(&mut tx, attempt).await?;
    tx.commit().await?;
    if read.ended_at.is_some() && !is_disputed {
        return Ok(());
    }
    match (read.state, read.sid.as_deref()) {
        (AttemptState::Bound, Some(sid)) => watch(app, actor, &read, sid).await,
        (AttemptState::Dialing | AttemptState::Unknown, _) => {
            let since = read.posted_at.unwrap_or_else(|| app.clock.now()) - Duration::seconds(5);
            let found = app.phone.find(&numbers.0, &numbers.1, since).await?;
            look(app, actor, &read, found).await
        }
        (AttemptState::Intent, _) => abandon(app, actor, attempt).await,
        (
            AttemptState::Bound
            | AttemptState::Rejected
            | AttemptState::Abandoned
            | AttemptState::NotPlaced
            | AttemptState::NeedsPerson,
            _,
        ) => Ok(()),
    }
}

/// A bound attempt that has not ended: its ending may have been lost on the way.
async fn watch(app: &App, actor: &Actor, attempt: &Attempt, sid: &str) -> Result<(), Error> {
    let fetched = app.phone.fetch(&CarrierSid(sid.to_owned())).await;
    let now = app.clock.now();
    let status = match fetched {
        Ok(known) => known.status,
        // A carrier that no longer knows the call holds no line of it; without this the call would stay open for ever.
        Err(Outage { kind: OutageKind::Refused(code), .. }) if code == NO_SUCH_CALL && is_old(attempt, now) => {
            CarrierStatus::Failed
        }
        Err(outage) => return Err(outage.into()),
    };
    let mut tx = app.db.begin(actor).await?;
    let (read, mut call) = tidings::lock(&mut tx, attempt.id).await?;
    if status.is_terminal() {
        tidings::read_status(&mut tx, actor, &read, &mut call, status, now).await?;
    } else {
        again(&mut tx, attempt.id, now, 60).await?;
    }
    tx.commit().await?;
    app.live.publish(actor.org, call.id, LiveEvent::CallMoved);
    Ok(())
}

/// Whether the carrier has had time to show the attempt to whoever asks.
fn is_old(attempt: &Attempt, now: DateTime<Utc>) -> bool {
    attempt.posted_at.is_none_or(|posted| now - posted > Duration::minutes(2))
}

/// An attempt whose outcome is unknown, against the carrier's list.
async fn look(app: &App, actor: &Actor, attempt: &Attempt, found: Vec<CarrierCall>) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (mut read, mut call) = tidings::lock(&mut tx, attempt.id).await?;
    let sids: Vec<String> = found.iter().map(|call| call.sid.0.clone()).collect();
    let owned = attempts::owned(&mut tx, &sids).await?;
    let mut free = found.into_iter().filter(|call| !owned.contains(&call.sid.0));
    let mut surplus: Vec<CarrierSid> = Vec::new();
    if let Some(first) = free.next() {
        tidings::claim_sid(&mut tx, actor, &mut read, &mut call, &first.sid.0, now).await?;
        tidings::read_status(&mut tx, actor, &read, &mut call, first.status, now).await?;
        surplus.extend(free.map(|call| call.sid));
        again(&mut tx, attempt.id, now, 30).await?;
    } else if matches!(read.state, AttemptState::Dialing | AttemptState::Unknown) {
        attempts::count_clean_list(&mut tx, attempt.id).await?;
        if read.is_settled_absent(now) {
            attempts::settle(&mut tx, attempt.id, AttemptState::NotPlaced, "settled_absent", now).await?;
            errands::follow(&mut tx, actor, &mut call, absent(read.party), now).await?;
        } else {
            again(&mut tx, attempt.id, now, 20).await?;
        }
    }
    let deed = Deed::of(DeedKind::SettledAttempt)
        .patient(call.patient)
        .subject(attempt.id.0)
        .with("call", call.id)
        .with("surplus", surplus.len());
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    for sid in surplus {
        app.phone.end(&sid, None).await?;
    }
    Ok(())
}

/// An intent whose process died before it was allowed to be sent.
async fn abandon(app: &App, actor: &Actor, attempt: AttemptId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (read, mut call) = tidings::lock(&mut tx, attempt).await?;
    if attempts::settle(&mut tx, attempt, AttemptState::Abandoned, "never_sent", now).await? {
        errands::follow(&mut tx, actor, &mut call, absent(read.party), now).await?;
    }
    tx.commit().await
}

const fn absent(party: Party) -> CallEvent {
    match party {
        Party::Patient => CallEvent::NotTaken,
        Party::Nurse(_) => CallEvent::NurseDidNotCome,
    }
}

async fn again(
    tx: &mut crate::store::OrgTx,
    attempt: AttemptId,
    now: DateTime<Utc>,
    seconds: i64,
) -> Result<(), Error> {
    let at = now + Duration::seconds(seconds);
    jobs::enqueue(tx, &Job::ReconcileAttempt { attempt }, &at.timestamp().to_string(), at, now).await
}
