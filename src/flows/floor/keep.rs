//! Has everybody on a live call sit as wished: asks the carrier who is there and how they sit, and says again what differs.
//! Nothing here rings; everything may be said twice.

use super::listen;
use crate::{
    app::App,
    domain::{
        attempt::Party,
        call::{Call, CallState},
        floor::{Guest, GuestState, Part},
        ids::{AttemptId, CallId, GuestId, LegId},
        job::Job,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        conferences::{Coaching, Placed, Present, Wish},
        phone::CarrierSid,
    },
    store::{
        attempts, calls, guests, hand_overs, jobs,
        listenings::Listening,
        outside_numbers,
        seats::{self, LiveSeat},
    },
};
use chrono::Duration;

/// The carrier's code for a leg that is not there.
const NOT_THERE: &str = "20404";
/// How soon the carrier is asked again for what it has not confirmed.
const AGAIN_SECONDS: i64 = 3;

/// What is wished of one call, read in one transaction.
struct Wishes {
    call: Call,
    seats: Vec<LiveSeat>,
    /// Who presses on the patient's being told.
    to_announce: Vec<GuestId>,
    /// Who waits to listen in a browser until the patient is told.
    waiting: Vec<Listening>,
    /// Lines of guests who were let go.
    to_end: Vec<CarrierSid>,
    /// Guests who were let go before anybody dialled.
    never_rung: Vec<Party>,
}

/// What the carrier made of it.
#[derive(Default)]
struct Found {
    settled: Vec<(LegId, i32)>,
    failed: Vec<(LegId, i32, &'static str)>,
    absent: Vec<AttemptId>,
    announced: Vec<GuestId>,
    heard_of: Vec<Listening>,
    outages: u32,
}

/// Looks after one call. A call on which nobody is in a conference needs nothing.
///
/// # Errors
/// When the database is away. What the carrier does not confirm stays open, and is asked again a little later.
pub async fn keep(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let Some(wishes) = read(app, actor, call).await? else {
        app.live.publish(actor.org, call, LiveEvent::CallMoved);
        return Ok(());
    };
    let found = tell(app, actor, &wishes).await;
    for sitting in note(app, actor, &wishes, found).await? {
        app.live.hush(actor.org, sitting.leg, &sitting.hushing);
    }
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// Has every live call looked at, as when a process begins: who is still there is asked of the carrier. How many there are.
///
/// # Errors
/// When the database is away.
pub async fn after_restart(app: &App, actor: &Actor) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let live = seats::live_calls(&mut tx).await?;
    for call in &live {
        hand_overs::look(&mut tx, *call, now).await?;
    }
    tx.commit().await?;
    Ok(live.len())
}

async fn read(app: &App, actor: &Actor, id: CallId) -> Result<Option<Wishes>, Error> {
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, id).await?;
    if !matches!(call.state, CallState::Bridged | CallState::WaitingForNurse) {
        return Ok(None);
    }
    let mut seats = seats::of_call(&mut tx, id).await?;
    // What keeps the conference alive comes first: nobody is put on hold while it could still end with the nurse's leg.
    seats.sort_by_key(|sitting| (sitting.seat.ends, sitting.party != Party::Patient));
    let policy = outside_numbers::supervision(&mut tx).await?;
    let everybody = guests::of_call(&mut tx, id).await?;
    let waits = |guest: &&Guest| guest.state == GuestState::Admitted && guest.waits_for_announcement(policy);
    let to_announce = everybody.iter().filter(waits).map(|guest| guest.id).collect();
    let waiting = listen::waiting(&mut tx, id, policy).await?;
    let running = attempts::running_sids(&mut tx, id).await?;
    let let_go = |party: Party| {
        let guest = everybody.iter().find(|guest| Some(guest.id) == party.guest());
        guest.is_some_and(|guest| guest.dismissed_at.is_some())
    };
    let to_end = running.into_iter().filter(|(_, party)| let_go(*party)).map(|(sid, _)| CarrierSid(sid)).collect();
    let mut never_rung = Vec::new();
    for guest in everybody.iter().filter(|guest| guest.dismissed_at.is_some() && guest.state == GuestState::Asked) {
        if !attempts::of_guest(&mut tx, guest.id).await? {
            never_rung.push(Party::Guest { guest: guest.id, staff: guest.staff() });
        }
    }
    tx.commit().await?;
    Ok(Some(Wishes { call, seats, to_announce, waiting, to_end, never_rung }))
}

async fn tell(app: &App, actor: &Actor, wishes: &Wishes) -> Found {
    let mut found = Found::default();
    let name = wishes.call.conference();
    let placed =
        |sitting: &LiveSeat| Placed { org: actor.org, attempt: sitting.attempt, sid: CarrierSid(sitting.sid.clone()) };
    let present = match app.conferences.present(&name).await {
        Ok(present) => present,
        Err(outage) => {
            let open = wishes.seats.iter().filter(|sitting| !sitting.is_settled());
            found.failed = open.map(|sitting| (sitting.leg, sitting.revision, code(&outage))).collect();
            found.outages += 1;
            return found;
        }
    };
    for sitting in &wishes.seats {
        let wish = wish(wishes, sitting, &present);
        let sits = present.iter().find(|one| one.sid.0 == sitting.sid);
        let told = match sits {
            None => Err(gone()),
            Some(sits) if sits.sits_as(&wish) => Ok(()),
            Some(_) => app.conferences.seat(&name, &placed(sitting), &wish).await,
        };
        match told {
            Ok(()) => found.settled.push((sitting.leg, sitting.revision)),
            Err(Outage { kind: OutageKind::Refused(what), .. }) if what == NOT_THERE => {
                found.absent.push(sitting.attempt);
            }
            Err(outage) => {
                found.failed.push((sitting.leg, sitting.revision, code(&outage)));
                found.outages += 1;
                // While a nurse's leaving still ends the conference, nobody is put on hold or handed over.
                if !sitting.seat.ends {
                    break;
                }
            }
        }
    }
    let patient = wishes.seats.iter().find(|sitting| sitting.party == Party::Patient);
    for guest in &wishes.to_announce {
        match patient {
            Some(patient) if app.conferences.announce(&name, &placed(patient)).await.is_ok() => {
                found.announced.push(*guest);
            }
            Some(_) | None => found.outages += 1,
        }
    }
    // The patient is told once of everybody who waits to listen in a browser.
    if let (false, Some(patient)) = (wishes.waiting.is_empty(), patient) {
        match app.conferences.announce(&name, &placed(patient)).await {
            Ok(()) => found.heard_of.clone_from(&wishes.waiting),
            Err(_) => found.outages += 1,
        }
    }
    for sid in &wishes.to_end {
        if app.phone.end(sid, None).await.is_err() {
            found.outages += 1;
        }
    }
    found
}

/// A wish as the carrier is told of it. Who coaches is heard by the call's nurse; without one, by nobody.
fn wish(wishes: &Wishes, sitting: &LiveSeat, present: &[Present]) -> Wish {
    let nurse = wishes.seats.iter().find(|one| one.party.is_that_of(wishes.call.nurse));
    let nurse = nurse.filter(|nurse| present.iter().any(|one| one.sid.0 == nurse.sid));
    let (muted, coaching) = match (sitting.seat.part, nurse) {
        (Part::Talks, _) => (sitting.seat.muted, Coaching::Never),
        (Part::Coaches, Some(nurse)) => (sitting.seat.muted, Coaching::Of(CarrierSid(nurse.sid.clone()))),
        (Part::Listens, _) | (Part::Coaches, None) => (true, Coaching::Nobody),
    };
    Wish { held: sitting.seat.held, muted, ends_on_exit: sitting.seat.ends, coaching }
}

/// Writes it down; how everybody sits now.
async fn note(app: &App, actor: &Actor, wishes: &Wishes, found: Found) -> Result<Vec<LiveSeat>, Error> {
    let now = app.clock.now();
    let id = wishes.call.id;
    let mut tx = app.db.begin(actor).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    for (leg, revision) in &found.settled {
        seats::settle(&mut tx, *leg, *revision).await?;
    }
    for (leg, revision, fault) in &found.failed {
        seats::fail(&mut tx, *leg, *revision, fault).await?;
    }
    for guest in &found.announced {
        guests::announced(&mut tx, *guest, now).await?;
    }
    listen::announced(&mut tx, actor, &found.heard_of, now).await?;
    for party in &wishes.never_rung {
        hand_overs::guest_gone(&mut tx, actor, *party, &call, now).await?;
    }
    // A leg that the carrier does not show may have ended unheard; what became of it is asked of the carrier.
    for attempt in &found.absent {
        let soon = now + Duration::seconds(AGAIN_SECONDS);
        let salt = format!("absent:{}", soon.timestamp());
        jobs::enqueue(&mut tx, &Job::ReconcileAttempt { attempt: *attempt }, &salt, soon, now).await?;
    }
    if call.state == CallState::Bridged
        && let Some(over) = hand_overs::open(&mut tx, id).await?
    {
        let seats = seats::of_call(&mut tx, id).await?;
        let freed = |one: &LiveSeat| one.party.staff() == Some(over.from) && one.is_settled() && !one.seat.ends;
        let taker = seats.iter().any(|one| one.party.guest() == Some(over.guest));
        if taker && seats.iter().any(freed) {
            hand_overs::complete(&mut tx, actor, &mut call, &over, now).await?;
        }
    }
    if found.outages > 0 {
        let again = now + Duration::seconds(AGAIN_SECONDS);
        let salt = format!("again:{}", again.timestamp());
        jobs::enqueue(&mut tx, &Job::KeepFloor { call: id }, &salt, again, now).await?;
    }
    let seats = seats::of_call(&mut tx, id).await?;
    tx.commit().await?;
    Ok(seats)
}

fn gone() -> Outage {
    Outage { dependency: "carrier", kind: OutageKind::Refused(NOT_THERE.to_owned()) }
}

const fn code(outage: &Outage) -> &'static str {
    match outage.kind {
        OutageKind::Unreachable => "unreachable",
        OutageKind::TimedOut => "timed_out",
        OutageKind::Broken => "broken",
        OutageKind::Throttled => "throttled",
        OutageKind::Garbled => "garbled",
        OutageKind::Refused(_) => "refused",
    }
}
