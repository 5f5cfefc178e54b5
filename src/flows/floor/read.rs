//! Who is on a live call and how they sit, for its page.

use crate::{
    app::App,
    domain::{
        attempt::Party,
        call::CallState,
        floor::{Guest, GuestState, LONG_HOLD, Part, Supervision},
        ids::{CallId, GuestId, StaffId},
        people::Actor,
    },
    error::Error,
    store::{
        calls, guests, hand_overs, listenings, outside_numbers,
        seats::{self, LiveSeat},
        teams,
    },
};
use chrono::{DateTime, Utc};

pub use crate::store::{guests::Colleague, listenings::Listening, outside_numbers::OutsideNumber};

/// One person on the line, or asked to it.
#[derive(Clone, Debug)]
pub struct Sitting {
    /// Who they are to the call: `Patient`, `Nurse`, `Interpreter` and so on.
    pub who: &'static str,
    /// Their name, or what their number is called; empty for the patient.
    pub name: String,
    /// The guest, if they were asked in.
    pub guest: Option<GuestId>,
    /// Their seat; none while they are only rung.
    pub seat: Option<LiveSeat>,
    /// Whether the call is theirs.
    pub is_nurse: bool,
    /// Whether the call may be handed to them.
    pub may_take_over: bool,
    /// Whether they were let go and their line has yet to end.
    pub is_leaving: bool,
}

/// The floor of a call.
#[derive(Clone, Debug)]
pub struct FloorPage {
    /// When it was read.
    pub now: DateTime<Utc>,
    /// Everybody on the line, the patient first, then whoever is being rung.
    pub sittings: Vec<Sitting>,
    /// Colleagues who could be asked in.
    pub colleagues: Vec<Colleague>,
    /// Numbers that could be.
    pub outside: Vec<OutsideNumber>,
    /// The reader, when their own telephone talks on the call.
    pub own: Option<LiveSeat>,
    /// Whether the reader's telephone supervises, or rings to, and how.
    pub supervises: Option<Part>,
    /// To whom the call is being handed over.
    pub going_to: Option<GuestId>,
    /// Whether the reader is the call's nurse.
    pub is_mine: bool,
    /// How patients learn of supervision.
    pub policy: Supervision,
    /// Who listens in a browser, or waits until the patient is told.
    pub listening: Vec<Listening>,
}

impl FloorPage {
    /// The patient's seat.
    #[must_use]
    pub fn patient(&self) -> Option<&LiveSeat> {
        self.sittings.iter().filter_map(|one| one.seat.as_ref()).find(|seat| seat.party == Party::Patient)
    }

    /// Whether the patient has been on hold for long.
    #[must_use]
    pub fn is_long_hold(&self) -> bool {
        self.patient().and_then(|seat| seat.held_since).is_some_and(|since| self.now - since >= LONG_HOLD)
    }

    /// Whether somebody is being rung.
    #[must_use]
    pub fn is_ringing(&self) -> bool {
        self.sittings.iter().any(|one| one.seat.is_none())
    }
}

/// Reads it; `None` when nobody talks. The call was opened by whoever asks, so this is no reading of a chart.
///
/// # Errors
/// `NotFound` when there is no such call, or its patient is out of reach.
pub async fn read(app: &App, actor: &Actor, call: CallId) -> Result<Option<FloorPage>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, call).await?;
    let _reached = teams::reach(&mut tx, actor, patient, now).await?;
    let (state, nurse) = seats::state_and_nurse(&mut tx, call).await?;
    if state != CallState::Bridged {
        return Ok(None);
    }
    let seats = seats::of_call(&mut tx, call).await?;
    let everybody = guests::of_call(&mut tx, call).await?;
    let names = guests::names(&mut tx, call).await?;
    let colleagues = guests::colleagues(&mut tx, call).await?;
    let mut sittings = Vec::new();
    for seat in &seats {
        let guest = everybody.iter().find(|guest| Some(guest.id) == seat.party.guest());
        let name = match (guest, seat.party.staff()) {
            (Some(guest), _) => name_of(&names, guest.id),
            (None, Some(staff)) => seats::name_of(&mut tx, staff).await?,
            (None, None) => String::new(),
        };
        let takes = match (guest, seat.party.staff()) {
            (Some(_), Some(staff)) => guests::may_take_over(&mut tx, call, staff).await?,
            (_, _) => false,
        };
        let one = sitting(seat, guest, name, nurse);
        let may_take_over = takes && !one.is_nurse && seat.seat.part == Part::Talks;
        sittings.push(Sitting { may_take_over, ..one });
    }
    let is_rung = |guest: &&Guest| matches!(guest.state, GuestState::Asked | GuestState::Admitted);
    sittings.extend(everybody.iter().filter(is_rung).map(|guest| rung_one(guest, name_of(&names, guest.id))));
    let going_to = hand_overs::open(&mut tx, call).await?.map(|over| over.guest);
    let policy = outside_numbers::supervision(&mut tx).await?;
    let outside = outside_numbers::all(&mut tx).await?;
    let listening = listenings::of_call(&mut tx, call).await?;
    tx.commit().await?;
    let me = actor.staff_id();
    let mine = seats.into_iter().find(|seat| me.is_some() && seat.party.staff() == me);
    let my_ring = everybody.iter().filter(is_rung).find(|guest| me.is_some() && guest.staff() == me);
    let my_part = mine.as_ref().map(|seat| seat.seat.part).or(my_ring.map(|guest| guest.part));
    let supervises = my_part.filter(|part| *part != Part::Talks);
    let own = mine.filter(|seat| seat.seat.part == Part::Talks);
    let is_mine = own.as_ref().is_some_and(|seat| seat.party.is_that_of(nurse));
    Ok(Some(FloorPage { now, sittings, colleagues, outside, own, supervises, going_to, is_mine, policy, listening }))
}

fn sitting(seat: &LiveSeat, guest: Option<&Guest>, name: String, nurse: Option<StaffId>) -> Sitting {
    let is_nurse = seat.party.is_that_of(nurse);
    let who = match (seat.party, guest) {
        (Party::Patient, _) => "Patient",
        _ if is_nurse => "Nurse",
        (_, Some(guest)) => guest.kind.says(),
        (Party::Nurse(_) | Party::Guest { .. }, None) => "Colleague",
    };
    let is_leaving = guest.is_some_and(|guest| guest.dismissed_at.is_some());
    Sitting {
        who,
        name,
        guest: guest.map(|guest| guest.id),
        seat: Some(seat.clone()),
        is_nurse,
        may_take_over: false,
        is_leaving,
    }
}

fn rung_one(guest: &Guest, name: String) -> Sitting {
    Sitting {
        who: guest.kind.says(),
        name,
        guest: Some(guest.id),
        seat: None,
        is_nurse: false,
        may_take_over: false,
        is_leaving: guest.dismissed_at.is_some(),
    }
}

fn name_of(names: &[(GuestId, String)], guest: GuestId) -> String {
    names.iter().find(|(id, _)| *id == guest).map(|(_, name)| name.clone()).unwrap_or_default()
}
