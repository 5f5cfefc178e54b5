//! Listening to a live call in a browser. It is supervision: who may, what is written of it, and that the patient hears of it
//! first where the organization says so, are as they are by telephone. Nobody is rung. What the consent to record keeps from
//! us nobody hears here either, and nobody hears a leg that is on hold or muted.

use super::{at_once, lock, see_to_it};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::CallState,
        floor::{ANNOUNCED_WITHIN, Part, Supervision},
        ids::{CallId, LegId, ListeningId},
        listening::{ANNOUNCEMENT_LASTS, ListeningEnd},
        people::{Actor, Role},
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx,
        audit::record,
        call_page,
        listenings::{self, Listening},
        outside_numbers,
        seats::{self, LiveSeat},
        teams,
    },
};
use chrono::{DateTime, Utc};

/// Who may listen: whoever supervises, and the nurses of the patient's team.
const MAY_LISTEN: [Role; 2] = [Role::Coordinator, Role::Nurse];

/// What somebody who asked to listen may hear at this instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audible {
    /// Nothing: the patient is being told.
    NotYet,
    /// These legs; none while everybody is on hold or muted, or nothing may be recorded.
    Legs(Vec<LegId>),
    /// Nothing any more.
    Over(ListeningEnd),
}

/// Begins to listen: the patient is told first, where the organization says so. Asked twice it is one listening.
///
/// # Errors
/// `Forbidden` unless a coordinator or nurse of the patient's team; `Conflict` when nobody talks, the actor's own telephone is on
/// the call, recording was not allowed, or the call is heard by another process.
pub async fn begin(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let own = actor.staff_among(&MAY_LISTEN).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (floor, _) = lock(&mut tx, actor, call, now).await?;
    let patient = floor.call.patient;
    if teams::reach(&mut tx, actor, patient, now).await?.urgent().is_some() {
        return Err(Error::Forbidden);
    }
    if floor.seat_of(own).is_ok() {
        return Err(Error::Conflict("your telephone is on this call, so you hear it there".to_owned()));
    }
    if floor.call.may_record != Some(true) {
        let text =
            "they did not allow this call to be recorded, so Careline lets no audio of it through; listen by telephone";
        return Err(Error::Conflict(text.to_owned()));
    }
    if app.live.air.tune_in(actor.org, call).is_none() {
        let text = "no audio of this call arrives in the process you are connected to: another process of Careline hears it, or \
                    none does yet; try again in a moment, or listen by telephone";
        return Err(Error::Conflict(text.to_owned()));
    }
    let (id, name) = (ListeningId::at(now), String::new());
    let new = Listening { id, call, patient, staff: own, name, asked_at: now, announced_at: None, began_at: None };
    if listenings::ask(&mut tx, &new).await? {
        let _receipt = record(&mut tx, actor, &deed(&new, "asked"), now).await?;
        see_to_it(&mut tx, call, now).await?;
    }
    tx.commit().await?;
    at_once(app, actor, call).await;
    Ok(())
}

/// Ends one's own listening. Twice is once.
///
/// # Errors
/// `Forbidden` for a role that cannot listen; otherwise when the database is away.
pub async fn stop(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let own = actor.staff_among(&MAY_LISTEN).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let _reached = teams::reach(&mut tx, actor, head.patient, app.clock.now()).await?;
    let mine = listenings::of_call(&mut tx, call).await?.into_iter().find(|one| one.staff == own);
    if let Some(mine) = mine {
        finish(&mut tx, actor, &mine, ListeningEnd::Stopped, app.clock.now()).await?;
    }
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// What somebody who asked may hear now; looked at again several times a second by the socket that carries it.
///
/// # Errors
/// `NotFound` when the patient is out of reach; otherwise when the database is away.
pub async fn look(app: &App, actor: &Actor, call: CallId) -> Result<Audible, Error> {
    let own = actor.staff_among(&MAY_LISTEN).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let reach = teams::reach(&mut tx, actor, head.patient, now).await?;
    let mine = listenings::of_call(&mut tx, call).await?.into_iter().find(|one| one.staff == own);
    let Some(mine) = mine else { return Ok(Audible::Over(ListeningEnd::Stopped)) };
    let policy = outside_numbers::supervision(&mut tx).await?;
    let told = told(&mine, policy, now);
    let over = match (head.state, told) {
        _ if reach.urgent().is_some() => Some(ListeningEnd::CutOff),
        (CallState::Bridged, Told::Never) => Some(ListeningEnd::NotAnnounced),
        (CallState::Bridged, Told::Yes | Told::NotYet) => None,
        (_, _) => Some(ListeningEnd::CallOver),
    };
    if let Some(how) = over {
        return Ok(Audible::Over(how));
    }
    if !listenings::beat(&mut tx, mine.id).await? {
        return Ok(Audible::Over(ListeningEnd::Stopped));
    }
    let seats = seats::of_call(&mut tx, call).await?;
    if told == Told::Yes && mine.began_at.is_none() && listenings::began(&mut tx, mine.id, now).await? {
        let _receipt = record(&mut tx, actor, &deed(&mine, "joined"), now).await?;
    }
    tx.commit().await?;
    if told == Told::Yes && mine.began_at.is_none() {
        app.live.publish(actor.org, call, LiveEvent::CallMoved);
    }
    let may = head.may_record == Some(true);
    let legs = seats.into_iter().filter(|seat| may && is_audible(seat)).map(|seat| seat.leg);
    Ok(if told == Told::Yes { Audible::Legs(legs.collect()) } else { Audible::NotYet })
}

/// Whether the conference hears a leg, as far as the carrier has confirmed; while it has not, nobody does.
const fn is_audible(seat: &LiveSeat) -> bool {
    seat.is_settled() && !seat.seat.held && !seat.seat.muted && matches!(seat.seat.part, Part::Talks)
}

/// Whether the patient knows that somebody listens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    NotYet,
    Never,
}

fn told(listening: &Listening, policy: Supervision, now: DateTime<Utc>) -> Told {
    match (policy, listening.announced_at) {
        (Supervision::AtEnrolment, _) => Told::Yes,
        (Supervision::Announced, Some(at)) if now - at >= ANNOUNCEMENT_LASTS => Told::Yes,
        (Supervision::Announced, None) if now - listening.asked_at > ANNOUNCED_WITHIN => Told::Never,
        (Supervision::Announced, Some(_) | None) => Told::NotYet,
    }
}

/// Writes that a socket that carried it is gone, and why. Whoever stopped it before is the one who did.
///
/// # Errors
/// When the database is away; the sweep then ends it.
pub async fn gone(app: &App, actor: &Actor, call: CallId, how: ListeningEnd) -> Result<(), Error> {
    let Some(own) = actor.staff_id() else { return Ok(()) };
    // A person who may not listen any more reaches nothing, and their end is written nevertheless.
    let careline = Actor::careline(actor.org);
    let mut tx = app.db.begin(&careline).await?;
    let mine = listenings::of_call(&mut tx, call).await?.into_iter().find(|one| one.staff == own);
    if let Some(mine) = mine {
        let by = if how == ListeningEnd::Closed { actor } else { &careline };
        finish(&mut tx, by, &mine, how, app.clock.now()).await?;
    }
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// Ends what nobody looks after any more: the process that carried it died, or no browser ever came for it.
///
/// # Errors
/// When the database is away.
pub async fn sweep(app: &App, actor: &Actor) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let silent = listenings::silent(&mut tx).await?;
    for (id, call, patient, staff) in &silent {
        let one = Listening {
            id: *id,
            call: *call,
            patient: *patient,
            staff: *staff,
            name: String::new(),
            asked_at: now,
            announced_at: None,
            began_at: None,
        };
        finish(&mut tx, actor, &one, ListeningEnd::CutOff, now).await?;
    }
    tx.commit().await?;
    for (_, call, _, _) in silent {
        app.live.publish(actor.org, call, LiveEvent::CallMoved);
    }
    Ok(())
}

/// Notes that the patient was told of those who wait.
pub(super) async fn announced(
    tx: &mut OrgTx,
    actor: &Actor,
    waiting: &[Listening],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for one in waiting {
        if listenings::announced(tx, one.id, now).await? {
            let _receipt = record(tx, actor, &deed(one, "announced"), now).await?;
        }
    }
    Ok(())
}

/// Those of whom the patient is still to be told.
pub(super) async fn waiting(tx: &mut OrgTx, call: CallId, policy: Supervision) -> Result<Vec<Listening>, Error> {
    let mut all = listenings::of_call(tx, call).await?;
    all.retain(|one| policy == Supervision::Announced && one.announced_at.is_none());
    Ok(all)
}

async fn finish(
    tx: &mut OrgTx,
    actor: &Actor,
    one: &Listening,
    how: ListeningEnd,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if listenings::end(tx, one.id, how, now).await? {
        let _receipt = record(tx, actor, &deed(one, "left").with("how", how.word()), now).await?;
    }
    Ok(())
}

fn deed(one: &Listening, event: &'static str) -> Deed {
    Deed::of(DeedKind::SupervisedCall)
        .patient(one.patient)
        .subject(one.id.0)
        .with("call", one.call)
        .with("staff", one.staff)
        .with("part", Part::Listens.word())
        .with("by", "browser")
        .with("event", event)
}
