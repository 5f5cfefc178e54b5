//! Who is on a live call and what may be done there: hold, mute, somebody asked in, the call handed over, supervision.

use crate::{
    app::App,
    domain::{
        attempt::Party,
        floor::{Part, Supervision, Whom},
        ids::{CallId, GuestId, LegId},
        people::Role,
    },
    error::Error,
    flows::{
        floor::{self, FloorPage, HoldDeed, Sitting},
        open_call::{CallPage, PageLeg},
    },
    web::{
        identity::SignedIn,
        pages::{call::state::audio, icons, words},
        respond::Failure,
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// The floor of a call, as part of where the call stands.
#[derive(Template)]
#[template(path = "parts/floor.html")]
pub struct FloorPart {
    call: CallId,
    page: FloorPage,
    legs: Vec<PageLeg>,
    /// Whether the reader may supervise.
    may_supervise: bool,
    zone: Tz,
}

impl FloorPart {
    /// From the floor and its call as they were read; none where nobody talks.
    #[must_use]
    pub fn of(floor: Option<FloorPage>, page: &CallPage, role: Option<Role>) -> Option<Self> {
        let (call, legs, zone) = (page.head.id, page.legs.clone(), page.zone);
        let may_supervise = role == Some(Role::Coordinator);
        floor.map(|page| Self { call, page, legs, may_supervise, zone })
    }

    /// Whether somebody sits at the end of this leg.
    #[must_use]
    pub fn seats(&self, leg: LegId) -> bool {
        self.page.sittings.iter().filter_map(|one| one.seat.as_ref()).any(|seat| seat.leg == leg)
    }

    fn is_held(&self) -> bool {
        self.page.patient().is_some_and(|seat| seat.seat.held)
    }

    fn is_muted(&self) -> bool {
        self.page.own.as_ref().is_some_and(|seat| seat.seat.muted)
    }

    /// What is not known, and what to do about it; most urgent first.
    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let going = self.page.sittings.iter().find(|one| one.guest.is_some() && one.guest == self.page.going_to);
        if let Some(taker) = going {
            let name = &taker.name;
            doubts.push(format!(
                "The call is being handed to {name} and is not theirs yet. Do not hang up: until the carrier has confirmed it, the \
                 call may end for everybody when the first nurse leaves. Careline asks again by itself."
            ));
        }
        match self.page.patient() {
            Some(seat) if !seat.is_settled() && seat.seat.held => doubts.push(
                "Hold was asked for and is not confirmed. The patient may still hear you. Careline asks again by itself; wait \
                 until it says that they are on hold."
                    .to_owned(),
            ),
            Some(seat) if !seat.is_settled() => doubts.push(
                "The carrier has not confirmed that the hold is over. The patient may not hear you yet; ask whether they do. \
                 Careline asks again by itself."
                    .to_owned(),
            ),
            Some(_) | None => {}
        }
        match &self.page.own {
            Some(own) if !own.is_settled() && own.seat.muted => doubts.push(
                "Mute was asked for and is not confirmed. Everybody on the call may still hear you. Careline asks again by itself."
                    .to_owned(),
            ),
            Some(own) if !own.is_settled() && self.page.going_to.is_none() && !self.is_held() => doubts.push(
                "The carrier has not confirmed how your line is set. The others may not hear you yet; ask whether they do."
                    .to_owned(),
            ),
            Some(_) | None => {}
        }
        doubts
    }

    /// The marks a person on the line wears: colour and words.
    fn marks(&self, one: &Sitting) -> Vec<(&'static str, String)> {
        let Some(sits) = &one.seat else { return vec![("live", "telephone rings".to_owned())] };
        let mut marks = Vec::new();
        let sure = sits.is_settled();
        if sits.seat.held {
            let since = sits.held_since.map(|at| words::time(&at, &self.zone)).unwrap_or_default();
            let text = if sure { format!("on hold since {since}") } else { "hold not confirmed".to_owned() };
            marks.push(("amber", text));
        }
        if sits.seat.muted && sits.seat.part == Part::Talks {
            marks.push(("amber", if sure { "muted" } else { "mute not confirmed" }.to_owned()));
        }
        match sits.seat.part {
            Part::Talks => {}
            Part::Listens => marks.push(("amber", "listens, is heard by nobody".to_owned())),
            Part::Coaches => marks.push(("amber", "listens, is heard by the nurse alone".to_owned())),
        }
        if one.is_leaving {
            marks.push(("", "is being let go".to_owned()));
        }
        if marks.is_empty() {
            marks.push(("green", "talks".to_owned()));
        }
        if let Some(leg) = self.legs.iter().find(|leg| leg.id == sits.leg) {
            let (colour, text) = audio(leg);
            marks.push((colour, text.to_owned()));
        }
        marks
    }

    fn may_let_go(&self, one: &Sitting) -> bool {
        let supervises = one.seat.as_ref().is_some_and(|seat| seat.seat.part != Part::Talks);
        self.page.own.is_some() && one.guest.is_some() && !one.is_nurse && !one.is_leaving && !supervises
    }

    fn may_hand_to(&self, one: &Sitting) -> bool {
        self.page.is_mine && one.may_take_over && self.page.going_to.is_none() && !self.is_held()
    }

    fn announces(&self) -> bool {
        self.page.policy == Supervision::Announced
    }

    fn is_patient(one: &Sitting) -> bool {
        one.seat.as_ref().is_some_and(|seat| seat.party == Party::Patient)
    }
}

/// What the buttons for hold and mute send.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SeatForm {
    deed: String,
}

/// What the form that asks somebody in sends: `staff:` or `outside:` and an id.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AskForm {
    who: String,
}

/// What the buttons of supervision send.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SuperviseForm {
    part: String,
}

/// `POST /calls/{id}/floor`: hold, resume, mute, unmute.
///
/// # Errors
/// `Conflict` when nobody talks or the person's telephone is not on the call.
pub async fn seat(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    Form(form): Form<SeatForm>,
) -> Result<Redirect, Failure> {
    let deed = HoldDeed::from_word(&form.deed)
        .ok_or_else(|| Error::Invalid("Choose hold, resume, mute or unmute.".to_owned()))?;
    floor::hold(&app, &person.0.actor, id, deed).await?;
    Ok(back(id))
}

/// `POST /calls/{id}/guests`: somebody is asked in.
///
/// # Errors
/// `Conflict` when nobody talks or somebody else is being rung; `Invalid` for nobody of the list.
pub async fn ask(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    Form(form): Form<AskForm>,
) -> Result<Redirect, Failure> {
    floor::ask(&app, &person.0.actor, id, whom(&form.who)?).await?;
    Ok(back(id))
}

/// `POST /calls/{id}/guests/{guest}/let-go`.
///
/// # Errors
/// `Conflict` when nobody talks or the person is not on the call.
pub async fn let_go(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((id, guest)): Path<(CallId, GuestId)>,
) -> Result<Redirect, Failure> {
    floor::let_go(&app, &person.0.actor, id, guest).await?;
    Ok(back(id))
}

/// `POST /calls/{id}/guests/{guest}/hand-over`.
///
/// # Errors
/// `Conflict` when it cannot be handed over; the text says why.
pub async fn hand_over(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((id, guest)): Path<(CallId, GuestId)>,
) -> Result<Redirect, Failure> {
    floor::hand_over(&app, &person.0.actor, id, guest).await?;
    Ok(back(id))
}

/// `POST /calls/{id}/supervise`: to listen, to coach, or to end it.
///
/// # Errors
/// `Conflict` when nobody talks; `Invalid` when no telephone of the person is known.
pub async fn supervise(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    Form(form): Form<SuperviseForm>,
) -> Result<Redirect, Failure> {
    let part = Part::from_word(&form.part);
    if part.is_none() && form.part != "end" {
        return Err(Error::Invalid("Choose to listen, to coach or to end it.".to_owned()).into());
    }
    floor::supervise(&app, &person.0.actor, id, part).await?;
    Ok(back(id))
}

fn whom(text: &str) -> Result<Whom, Error> {
    let choose = || Error::Invalid("Choose whom to add from the list.".to_owned());
    let (list, id) = text.split_once(':').ok_or_else(choose)?;
    match list {
        "staff" => id.parse().map(Whom::Staff).map_err(|_| choose()),
        "outside" => id.parse().map(Whom::Outside).map_err(|_| choose()),
        _ => Err(choose()),
    }
}

fn back(call: CallId) -> Redirect {
    Redirect::to(&format!("/calls/{call}#part-state"))
}
