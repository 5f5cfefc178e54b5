//! The leg of somebody asked into a live call: they press 1 or they are not in it. Whoever only listens waits until the
//! patient has been told, where the organization wants that.

use super::{Reply, Scene};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::CallState,
        floor::{ANNOUNCED_WITHIN, Guest, GuestKind, GuestState, Part, Seat},
        ids::{AttemptId, GuestId, OrgId},
        people::{Actor, Language},
        script::{Speech, Visit},
        script_texts::{
            Parting, ask_guest, ask_supervisor, joining, moment, on_hold as words_on_hold, part, supervised,
        },
    },
    error::Error,
    ports::phone::CarrierNews,
    store::{attempts, audit::record, calls, guests, hand_overs, outside_numbers, seats, standing},
};

/// One step of somebody asked in.
pub async fn turn(scene: &mut Scene<'_>, id: GuestId, keys: Option<&str>) -> Result<Reply, Error> {
    let guest = guests::read(scene.tx, scene.call.id, id).await?;
    if scene.call.state != CallState::Bridged || guest.dismissed_at.is_some() {
        return turn_away(scene, "not_needed", Parting::NotNeeded).await;
    }
    match guest.state {
        GuestState::Asked if scene.attempt.answered_at.is_none() => {
            attempts::answered(scene.tx, scene.attempt.id, scene.now).await?;
            Ok(Reply::saying(ask(&guest)))
        }
        GuestState::Asked if keys == Some("1") => {
            guests::advance(scene.tx, id, GuestState::Admitted, scene.now).await?;
            let policy = outside_numbers::supervision(scene.tx).await?;
            if guest.waits_for_announcement(policy) {
                hand_overs::look(scene.tx, scene.call.id, scene.now).await?;
                return Ok(Reply::saying(moment()));
            }
            enter(scene, &guest).await
        }
        // Any other key, or none: a machine that answered does not get into a patient's call.
        GuestState::Asked => turn_away(scene, "passed", Parting::NotNeeded).await,
        GuestState::Admitted => {
            let policy = outside_numbers::supervision(scene.tx).await?;
            if !guest.waits_for_announcement(policy) {
                return enter(scene, &guest).await;
            }
            if guest.admitted_at.is_some_and(|at| scene.now - at > ANNOUNCED_WITHIN) {
                return turn_away(scene, "not_announced", Parting::NotAnnounced).await;
            }
            Ok(Reply::saying(Speech::Moment { language: Language::English, text: String::new(), wait_seconds: 1 }))
        }
        GuestState::Joined | GuestState::Left | GuestState::DidNotCome => repeat(scene, id).await,
    }
}

/// The same message again: what was said is said again, nothing is counted.
pub async fn repeat(scene: &mut Scene<'_>, id: GuestId) -> Result<Reply, Error> {
    let guest = guests::read(scene.tx, scene.call.id, id).await?;
    if scene.call.state != CallState::Bridged {
        return Ok(Reply::saying(part(Language::English, Parting::NotNeeded)));
    }
    match guest.state {
        GuestState::Asked => Ok(Reply::saying(ask(&guest))),
        GuestState::Admitted => Ok(Reply::saying(moment())),
        GuestState::Joined => visit(scene, &guest).await,
        GuestState::Left | GuestState::DidNotCome => Ok(Reply::saying(part(Language::English, Parting::NotNeeded))),
    }
}

/// What a leg on hold hears, in its language.
///
/// # Errors
/// `NotFound` for an attempt of nobody; otherwise when the database is away.
pub async fn on_hold(app: &App, org: OrgId, attempt: AttemptId, news: &CarrierNews) -> Result<Speech, Error> {
    Ok(words_on_hold(language_of(app, org, attempt, news).await?))
}

/// What a patient hears before somebody supervises their call.
///
/// # Errors
/// As `on_hold`.
pub async fn announced(app: &App, org: OrgId, attempt: AttemptId, news: &CarrierNews) -> Result<Speech, Error> {
    Ok(supervised(language_of(app, org, attempt, news).await?))
}

async fn language_of(app: &App, org: OrgId, attempt: AttemptId, news: &CarrierNews) -> Result<Language, Error> {
    let mut tx = app.db.begin(&Actor::carrier(org)).await?;
    let read = attempts::read(&mut tx, attempt).await?;
    if read.sid.as_deref() != Some(news.sid.0.as_str()) {
        return Err(Error::NotFound);
    }
    let patient = calls::patient_of(&mut tx, read.call).await?;
    let language = standing::language(&mut tx, patient).await?;
    tx.commit().await?;
    Ok(language)
}

fn ask(guest: &Guest) -> Speech {
    match guest.kind {
        GuestKind::Supervisor => ask_supervisor(),
        GuestKind::Physician | GuestKind::Interpreter | GuestKind::Colleague | GuestKind::Other => ask_guest(),
    }
}

async fn enter(scene: &mut Scene<'_>, guest: &Guest) -> Result<Reply, Error> {
    let seat = Seat { part: guest.part, muted: guest.part == Part::Listens, ..Seat::talking(false) };
    scene.open_leg(seat).await?;
    guests::advance(scene.tx, guest.id, GuestState::Joined, scene.now).await?;
    let kind = match guest.kind {
        GuestKind::Supervisor => DeedKind::SupervisedCall,
        GuestKind::Physician | GuestKind::Interpreter | GuestKind::Colleague | GuestKind::Other => DeedKind::MovedGuest,
    };
    let deed = Deed::of(kind)
        .patient(scene.call.patient)
        .subject(guest.id.0)
        .with("call", scene.call.id)
        .with("who", guest.kind.word())
        .with("part", guest.part.word())
        .with("event", "joined");
    let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    visit(scene, guest).await
}

async fn visit(scene: &mut Scene<'_>, guest: &Guest) -> Result<Reply, Error> {
    let visit = match guest.part {
        Part::Talks => Visit::Talks,
        Part::Listens => Visit::Listens,
        Part::Coaches => {
            let seats = seats::of_call(scene.tx, scene.call.id).await?;
            match seats.into_iter().find(|sitting| sitting.party.is_that_of(scene.call.nurse)) {
                Some(nurse) => Visit::Coaches(nurse.sid),
                // Without a nurse on the line there is nobody to coach, and the patient must not hear it.
                None => Visit::Listens,
            }
        }
    };
    Ok(Reply::saying(Speech::Visit {
        language: Language::English,
        text: joining(Language::English).to_owned(),
        conference: scene.call.conference(),
        visit,
    }))
}

async fn turn_away(scene: &mut Scene<'_>, outcome: &'static str, parting: Parting) -> Result<Reply, Error> {
    attempts::tell(scene.tx, scene.attempt.id, outcome).await?;
    hand_overs::guest_gone(scene.tx, scene.actor, scene.attempt.party, &scene.call, scene.now).await?;
    Ok(Reply::saying(part(Language::English, parting)))
}
