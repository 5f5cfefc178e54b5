//! Asking somebody into a live call, letting them go, and supervising one.

use super::{at_once, lock, see_to_it};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::Call,
        floor::{GuestKind, GuestState, Part, Seat, Whom},
        ids::{CallId, GuestId, StaffId},
        job::Job,
        people::{Actor, Role},
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx,
        audit::record,
        guests::{self, NewGuest},
        hand_overs, jobs, outside_numbers, seats,
    },
};
use chrono::{DateTime, Utc};

/// Asks somebody in: a job rings them. A form sent twice asks once.
///
/// # Errors
/// `Conflict` when nobody talks, the actor is not on the call, somebody else is being rung, or they are in it already;
/// `Invalid` when there is no number to ring.
pub async fn ask(app: &App, actor: &Actor, call: CallId, whom: Whom) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (floor, staff) = lock(&mut tx, actor, call, now).await?;
    if floor.seat_of(staff)?.seat.part != Part::Talks {
        return Err(Error::Conflict("whoever supervises a call asks nobody into it".to_owned()));
    }
    let kind = kind_of(&mut tx, call, whom).await?;
    let guest = NewGuest { id: GuestId::at(now), call, kind, part: Part::Talks, whom, by: staff };
    ring(&mut tx, actor, &floor.call, &guest, now).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// Writes who is asked in and the job that rings them.
async fn ring(tx: &mut OrgTx, actor: &Actor, call: &Call, guest: &NewGuest, now: DateTime<Utc>) -> Result<(), Error> {
    if guests::number(tx, guest.whom).await?.is_none() {
        return Err(Error::Invalid("No telephone is known there; ask an admin to write one down".to_owned()));
    }
    let there = guests::of_call(tx, call.id).await?;
    if there.iter().any(|one| one.whom == guest.whom && one.state == GuestState::Joined) {
        return Err(Error::Conflict("they are in this call already".to_owned()));
    }
    if !guests::ask(tx, guest, now).await? {
        let on_the_way = |state| matches!(state, GuestState::Asked | GuestState::Admitted);
        let same = there.iter().any(|one| on_the_way(one.state) && one.whom == guest.whom);
        let busy = "somebody is being rung for this call already; wait until they answer, or let them go";
        return if same { Ok(()) } else { Err(Error::Conflict(busy.to_owned())) };
    }
    let deed = Deed::of(DeedKind::MovedGuest)
        .patient(call.patient)
        .subject(guest.id.0)
        .with("call", call.id)
        .with("who", guest.kind.word())
        .with("part", guest.part.word())
        .with("event", "asked");
    let _receipt = record(tx, actor, &deed, now).await?;
    jobs::enqueue(tx, &Job::RingGuest { call: call.id, guest: guest.id }, "first", now, now).await
}

async fn kind_of(tx: &mut OrgTx, call: CallId, whom: Whom) -> Result<GuestKind, Error> {
    let gone = || Error::Invalid("Choose somebody from the list; they are not on it any more".to_owned());
    match whom {
        Whom::Outside(id) => {
            let listed = outside_numbers::all(tx).await?;
            listed.into_iter().find(|one| one.id == id).map(|one| one.kind).ok_or_else(gone)
        }
        Whom::Staff(id) => {
            let there = guests::of_call(tx, call).await?;
            // Whoever is on this call already is told so, rather than that they are not on the list.
            if there.iter().any(|one| one.whom == whom && one.state == GuestState::Joined) {
                return Ok(GuestKind::Colleague);
            }
            let found = guests::colleagues(tx, call).await?.into_iter().find(|one| one.id == id).ok_or_else(gone)?;
            Ok(if found.role == Role::Physician { GuestKind::Physician } else { GuestKind::Colleague })
        }
    }
}

/// Lets somebody go whom a nurse asked in, or who is still being rung. Twice is once.
///
/// # Errors
/// `Conflict` when nobody talks or the actor is not on the call; `NotFound` when nobody of that id was asked in.
pub async fn let_go(app: &App, actor: &Actor, call: CallId, id: GuestId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (floor, staff) = lock(&mut tx, actor, call, now).await?;
    if floor.seat_of(staff)?.seat.part != Part::Talks {
        return Err(Error::Conflict("whoever supervises a call sends nobody away".to_owned()));
    }
    let guest = guests::read(&mut tx, call, id).await?;
    if guest.kind == GuestKind::Supervisor && guest.staff() != Some(staff) {
        return Err(Error::Conflict("only the supervisor can end their own listening".to_owned()));
    }
    if guest.staff().is_some() && guest.staff() == floor.call.nurse {
        return Err(Error::Conflict("the call is theirs; hang up to end it".to_owned()));
    }
    dismiss(&mut tx, actor, &floor.call, id, now).await?;
    tx.commit().await?;
    at_once(app, actor, call).await;
    Ok(())
}

async fn dismiss(tx: &mut OrgTx, actor: &Actor, call: &Call, id: GuestId, now: DateTime<Utc>) -> Result<(), Error> {
    if !guests::dismiss(tx, id, now).await? {
        return Ok(());
    }
    let deed = Deed::of(DeedKind::MovedGuest)
        .patient(call.patient)
        .subject(id.0)
        .with("call", call.id)
        .with("event", "dismissed");
    let _receipt = record(tx, actor, &deed, now).await?;
    see_to_it(tx, call.id, now).await
}

/// Rings a coordinator's own telephone to let them listen or coach, changes which of the two, or (`None`) ends it.
///
/// # Errors
/// `Forbidden` unless a coordinator; `Conflict` when nobody talks; `Invalid` when no telephone of theirs is known.
pub async fn supervise(app: &App, actor: &Actor, call: CallId, part: Option<Part>) -> Result<(), Error> {
    let own = actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    if part == Some(Part::Talks) {
        return Err(Error::Invalid("Choose to listen or to coach".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (floor, _) = lock(&mut tx, actor, call, now).await?;
    let present = |state| matches!(state, GuestState::Asked | GuestState::Admitted | GuestState::Joined);
    let mine = guests::of_call(&mut tx, call).await?;
    let mine = mine.into_iter().find(|one| {
        one.kind == GuestKind::Supervisor
            && one.staff() == Some(own)
            && present(one.state)
            && one.dismissed_at.is_none()
    });
    match (mine, part) {
        (Some(guest), None) => dismiss(&mut tx, actor, &floor.call, guest.id, now).await?,
        (None, Some(part)) => {
            let kind = GuestKind::Supervisor;
            let guest = NewGuest { id: GuestId::at(now), call, kind, part, whom: Whom::Staff(own), by: own };
            ring(&mut tx, actor, &floor.call, &guest, now).await?;
        }
        (Some(guest), Some(part)) if guest.part != part => {
            change_part(&mut tx, actor, (&floor.call, own), guest.id, part, now).await?;
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    tx.commit().await?;
    at_once(app, actor, call).await;
    Ok(())
}

async fn change_part(
    tx: &mut OrgTx,
    actor: &Actor,
    (call, own): (&Call, StaffId),
    guest: GuestId,
    part: Part,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    guests::take_part(tx, guest, part).await?;
    for sitting in seats::of_call(tx, call.id).await? {
        if sitting.party.guest() == Some(guest) && sitting.party.staff() == Some(own) {
            let seat = Seat { part, muted: part == Part::Listens, ..sitting.seat };
            seats::wish(tx, sitting.leg, seat, now).await?;
        }
    }
    let deed = Deed::of(DeedKind::SupervisedCall)
        .patient(call.patient)
        .subject(guest.0)
        .with("call", call.id)
        .with("part", part.word())
        .with("event", "changed");
    let _receipt = record(tx, actor, &deed, now).await?;
    hand_overs::look(tx, call.id, now).await?;
    see_to_it(tx, call.id, now).await
}
