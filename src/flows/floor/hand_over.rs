//! A live call is handed over: first the carrier is told that the conference does not end with this nurse's leg; once it has
//! confirmed that, the call is the other's, and this nurse may leave.

use super::{at_once, lock, see_to_it};
use crate::{
    app::App,
    domain::{
        attempt::Party,
        audit::{Deed, DeedKind},
        floor::{GuestState, Part, Seat},
        ids::{CallId, GuestId, HandOverId},
        people::Actor,
    },
    error::Error,
    store::{
        audit::record,
        guests,
        hand_overs::{self, HandOver},
        seats,
    },
};

/// Asks for it. Asked twice is asked once.
///
/// # Errors
/// `Conflict` when the call is not the actor's own, the patient is on hold, or the other cannot take it; the text says why.
pub async fn hand_over(app: &App, actor: &Actor, call: CallId, to: GuestId) -> Result<(), Error> {
    let now = app.clock.now();
    let refuse = |why: &str| Err(Error::Conflict(why.to_owned()));
    let mut tx = app.db.begin(actor).await?;
    let (floor, staff) = lock(&mut tx, actor, call, now).await?;
    let own = floor.seat_of(staff)?;
    let guest = guests::read(&mut tx, call, to).await?;
    if guest.staff().is_some() && guest.staff() == floor.call.nurse && guest.state == GuestState::Joined {
        // The form came twice, and the call is theirs.
        return Ok(());
    }
    if floor.call.nurse != Some(staff) {
        return refuse("only the nurse whose call it is can hand it over");
    }
    if floor.seats.iter().any(|sitting| sitting.party == Party::Patient && sitting.seat.held) {
        return refuse("take the patient off hold first");
    }
    let is_there = floor.seats.iter().any(|sitting| sitting.party.guest() == Some(to));
    let (Some(taker), GuestState::Joined, Part::Talks, true) = (guest.staff(), guest.state, guest.part, is_there)
    else {
        return refuse("they are not talking on this call; add them first");
    };
    if !guests::may_take_over(&mut tx, call, taker).await? {
        return refuse("a call is handed to a nurse or physician of the patient's own team");
    }
    let over = HandOver { id: HandOverId::at(now), from: staff, guest: to, to: taker };
    if hand_overs::ask(&mut tx, call, &over, now).await? {
        seats::wish(&mut tx, own.leg, Seat { ends: false, ..own.seat }, now).await?;
        let deed = Deed::of(DeedKind::HandedOverCall)
            .patient(floor.call.patient)
            .subject(call.0)
            .with("from", staff)
            .with("to", taker)
            .with("event", "asked");
        let _receipt = record(&mut tx, actor, &deed, now).await?;
        see_to_it(&mut tx, call, now).await?;
    }
    tx.commit().await?;
    at_once(app, actor, call).await;
    Ok(())
}
