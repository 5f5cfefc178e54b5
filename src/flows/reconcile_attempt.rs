//! Asks the carrier what became of an attempt: binds what it finds, ends what is surplus, settles what is absent, and
//! hears the ending that a lost callback kept from us. Nothing is ever dialled here.

use crate::{
    app::App,
    domain::{
        attempt::{Absence, Attempt, AttemptState, CLEAN_GAP_SECONDS, Ownership, Party, QUEUED_TOO_LONG},
        audit::{Deed, DeedKind},
        call::{Call, CallEvent},
        ids::AttemptId,
        job::Job,
        line::Line,
        orphan::FoundBy,
        people::{Actor, PhoneNumber},
    },
    error::Error,
    failpoint::FailPoint,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        phone::{CarrierCall, CarrierSid, CarrierStatus},
    },
    store::{OrgTx, attempts, audit::record, errands, hand_overs, jobs, orphans, progress, sweeps, tidings},
};
use chrono::{DateTime, Duration, Utc};

/// The carrier's code for a call it does not know.
const NO_SUCH_CALL: &str = "20404";
/// A call this old is in the list of a carrier that is well.
const LISTED_AFTER_SECONDS: i64 = 60;

/// Between two looks at a call that is well: at least and at most.
const SOON_SECONDS: i64 = 60;
const LATE_SECONDS: i64 = 300;

/// Looks into one attempt, and again later while it is open.
///
/// # Errors
/// When the carrier or the database is away; the job then runs again.
pub async fn reconcile(app: &App, actor: &Actor, attempt: AttemptId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let read = attempts::read(&mut tx, attempt).await?;
    if read.ended_at.is_some() && !progress::is_disputed(&mut tx, attempt).await? {
        return Ok(());
    }
    // Most are with the carrier and well: nothing is locked to ask after them.
    drop(tx);
    match (read.state, read.sid.as_deref()) {
        (AttemptState::Bound, Some(sid)) => watch(app, actor, &read, sid).await,
        (AttemptState::Dialing | AttemptState::Unknown, _) => {
            let Some((read, to, from)) = relieve(app, actor, attempt).await? else { return Ok(()) };
            let since = read.posted_at.unwrap_or_else(|| app.clock.now()) - Duration::seconds(5);
            let health = listing(app, actor, &from).await?;
            let found = app.phone.find(&to, &from, since).await?;
            FailPoint::ReconcileListed.pass();
            look(app, actor, &read, found, health).await?;
            FailPoint::ReconcilePost.pass();
            Ok(())
        }
        (AttemptState::Intent, _) => {
            // Its own dialler may still be at work; the sweep of leases gives it up when it is not.
            Ok(())
        }
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

/// An attempt in doubt with its numbers, once a dialler whose lease ran out is relieved, so that whatever it still writes
/// changes nothing. `None` when the attempt is in doubt no more: its sid came meanwhile, and who watches it is enqueued anew.
async fn relieve(app: &App, actor: &Actor, attempt: AttemptId) -> Result<Option<(Attempt, Line, PhoneNumber)>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (mut read, _call) = tidings::lock(&mut tx, attempt).await?;
    let (to, from) = attempts::numbers(&mut tx, attempt).await?;
    if attempts::take_over(&mut tx, attempt).await? {
        read = attempts::read(&mut tx, attempt).await?;
    }
    let is_in_doubt = matches!(read.state, AttemptState::Dialing | AttemptState::Unknown);
    if !is_in_doubt && read.ended_at.is_none() {
        again(&mut tx, attempt, now, SOON_SECONDS).await?;
    }
    tx.commit().await?;
    Ok(is_in_doubt.then_some((read, to, from)))
}

/// Whether the carrier's list can be believed about what is missing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    /// It shows a call that is known to exist, or there is none to look for.
    Sound,
    /// It hides a call that is known to exist.
    Lagging,
}

/// Looks for the latest call of this number that the carrier is known to have.
async fn listing(app: &App, actor: &Actor, from: &PhoneNumber) -> Result<Listing, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let lately = (now - Duration::hours(24), now - Duration::seconds(LISTED_AFTER_SECONDS));
    let known = sweeps::known_call(&mut tx, from, lately).await?;
    tx.commit().await?;
    let Some((to, sid, posted_at)) = known else { return Ok(Listing::Sound) };
    let listed = app.phone.find(&to, from, posted_at - Duration::seconds(5)).await?;
    Ok(if listed.iter().any(|call| call.sid.0 == sid) { Listing::Sound } else { Listing::Lagging })
}

/// A bound attempt that has not ended: its ending may have been lost on the way.
async fn watch(app: &App, actor: &Actor, attempt: &Attempt, sid: &str) -> Result<(), Error> {
    let sid = CarrierSid(sid.to_owned());
    if attempt.outcome.as_deref() == Some(QUEUED_TOO_LONG) {
        app.phone.end(&sid, None).await?;
    }
    let fetched = app.phone.fetch(&sid).await;
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
        again(&mut tx, attempt.id, now, rest_seconds(&read, now)).await?;
    }
    tx.commit().await?;
    app.live.publish(actor.org, call.id, LiveEvent::CallMoved);
    Ok(())
}

/// How long a call that is well is left alone: as long again as it has lasted.
fn rest_seconds(attempt: &Attempt, now: DateTime<Utc>) -> i64 {
    let lasted = attempt.posted_at.map_or(0, |posted| (now - posted).num_seconds());
    lasted.clamp(SOON_SECONDS, LATE_SECONDS)
}

/// Whether the carrier has had time to show the attempt to whoever asks.
fn is_old(attempt: &Attempt, now: DateTime<Utc>) -> bool {
    attempt.posted_at.is_none_or(|posted| now - posted > Duration::minutes(2))
}

/// An attempt whose outcome is unknown, against the carrier's list.
async fn look(
    app: &App,
    actor: &Actor,
    attempt: &Attempt,
    found: Vec<CarrierCall>,
    listing: Listing,
) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (mut read, mut call) = tidings::lock(&mut tx, attempt.id).await?;
    let sids: Vec<String> = found.iter().map(|call| call.sid.0.clone()).collect();
    let owned = attempts::owned(&mut tx, &sids).await?;
    let mut free = found.into_iter().filter(|call| !owned.contains(&call.sid.0));
    let mut surplus = 0;
    if let Some(first) = free.next() {
        FailPoint::ReconcileBindPre.pass();
        let ownership = tidings::claim_sid(&mut tx, actor, &mut read, &mut call, &first.sid.0, now).await?;
        if ownership == Ownership::Ours {
            tidings::read_status(&mut tx, actor, &read, &mut call, first.status, now).await?;
        }
        let others = free.map(|call| call.sid);
        let strays: Vec<CarrierSid> = if ownership == Ownership::Surplus {
            std::iter::once(first.sid).chain(others).collect()
        } else {
            others.collect()
        };
        for sid in strays {
            surplus += 1;
            orphans::notice(&mut tx, actor, (&read, &call), (&sid.0, FoundBy::List), now).await?;
        }
        again(&mut tx, attempt.id, now, 30).await?;
    } else if matches!(read.state, AttemptState::Dialing | AttemptState::Unknown) {
        miss(&mut tx, actor, read, &mut call, listing, now).await?;
    }
    let deed = Deed::of(DeedKind::SettledAttempt)
        .patient(call.patient)
        .subject(attempt.id.0)
        .with("call", call.id)
        .with("surplus", surplus);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await
}

/// The list shows no trace: counted, if it can be believed and the dialler is out of the way; settled when it is enough.
async fn miss(
    tx: &mut OrgTx,
    actor: &Actor,
    mut read: Attempt,
    call: &mut Call,
    listing: Listing,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let counts = read.state == AttemptState::Unknown && listing == Listing::Sound && read.counts_clean_list(now);
    if counts {
        attempts::count_clean_list(tx, read.id, now).await?;
        read = attempts::read(tx, read.id).await?;
    }
    let (state, outcome) = match (read.state, read.absence(now)) {
        (AttemptState::Unknown, Absence::Proven) if listing == Listing::Sound => {
            (AttemptState::NotPlaced, "settled_absent")
        }
        (AttemptState::Unknown, Absence::Unresolvable) => (AttemptState::NeedsPerson, "unresolved"),
        (_, Absence::Open | Absence::Proven | Absence::Unresolvable) => {
            return again(tx, read.id, now, CLEAN_GAP_SECONDS).await;
        }
    };
    FailPoint::ReconcileAbsentPre.pass();
    if attempts::settle(tx, (read.id, read.epoch), state, outcome, now).await? {
        if state == AttemptState::NeedsPerson && read.party == Party::Patient {
            errands::follow(tx, actor, call, CallEvent::Unresolved, now).await?;
        } else {
            hand_overs::came_to_nothing(tx, actor, read.party, call, now).await?;
        }
    }
    Ok(())
}

async fn again(tx: &mut OrgTx, attempt: AttemptId, now: DateTime<Utc>, seconds: i64) -> Result<(), Error> {
    let at = now + Duration::seconds(seconds);
    jobs::enqueue(tx, &Job::ReconcileAttempt { attempt }, &at.timestamp_micros().to_string(), at, now).await
}
