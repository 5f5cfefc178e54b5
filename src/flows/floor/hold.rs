//! Hold and resume, mute and unmute of oneself.

use super::{Floor, at_once, lock, see_to_it};
use crate::{
    app::App,
    domain::{
        attempt::Party,
        audit::{self, DeedKind},
        floor::{LONG_HOLD, Part, Seat},
        ids::{CallId, StaffId},
        job::Job,
        people::Actor,
    },
    error::Error,
    store::{
        OrgTx,
        audit::record,
        hand_overs, jobs,
        seats::{self, LiveSeat},
    },
};
use chrono::{DateTime, Utc};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The patient is put on hold.
    Hold,
    /// The patient is taken off it.
    Resume,
    /// Nobody hears whoever does this.
    Mute,
    /// Everybody does again.
    Unmute,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 4] = [Self::Hold, Self::Resume, Self::Mute, Self::Unmute];

    /// The word a form sends, and the record keeps.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
        }
    }

    /// The deed of a form's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.word() == word)
    }
}

/// Does it. Done already, nothing changes.
///
/// # Errors
/// `Conflict` when nobody talks, or the actor's telephone is not on the call. A carrier in trouble is no error: the page
/// shows what is not confirmed.
pub async fn change(app: &App, actor: &Actor, call: CallId, deed: Deed) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (floor, staff) = lock(&mut tx, actor, call, now).await?;
    if floor.seat_of(staff)?.seat.part != Part::Talks {
        return Err(Error::Conflict("whoever supervises a call changes nothing on it".to_owned()));
    }
    let subject = match deed {
        Deed::Hold | Deed::Resume => patient(&mut tx, &floor, deed, now).await?,
        Deed::Mute | Deed::Unmute => own(&mut tx, &floor, staff, deed, now).await?,
    };
    if let Some(leg) = subject {
        let entry = audit::Deed::of(DeedKind::MovedSeat)
            .patient(floor.call.patient)
            .subject(leg.leg.0)
            .with("call", call)
            .with("event", deed.word());
        let _receipt = record(&mut tx, actor, &entry, now).await?;
        see_to_it(&mut tx, call, now).await?;
    }
    let seats = seats::of_call(&mut tx, call).await?;
    tx.commit().await?;
    // Nobody listens from the next frame on, whether or not the carrier has done its part by then.
    for sitting in &seats {
        app.live.hush(actor.org, sitting.leg, &sitting.hushing);
    }
    at_once(app, actor, call).await;
    Ok(())
}

/// The leg whose wish changed, if it did.
async fn patient<'a>(
    tx: &mut OrgTx,
    floor: &'a Floor,
    deed: Deed,
    now: DateTime<Utc>,
) -> Result<Option<&'a LiveSeat>, Error> {
    let patient = floor.seats.iter().find(|sitting| sitting.party == Party::Patient);
    let patient = patient.ok_or_else(|| Error::Conflict("the patient is not on the line any more".to_owned()))?;
    let held = deed == Deed::Hold;
    if !seats::wish(tx, patient.leg, Seat { held, ..patient.seat }, now).await? {
        return Ok(None);
    }
    // Whoever waits on hold must not be cut off because the nurse's telephone fails: another nurse is rung then.
    let hands_over = hand_overs::open(tx, floor.call.id).await?.is_some();
    if let Some(nurse) = floor.seats.iter().find(|sitting| sitting.party.is_that_of(floor.call.nurse)) {
        seats::wish(tx, nurse.leg, Seat { ends: !held && !hands_over, ..nurse.seat }, now).await?;
    }
    if held {
        let at = now + LONG_HOLD;
        let salt = format!("long-hold:{}", at.timestamp_micros());
        jobs::enqueue(tx, &Job::KeepFloor { call: floor.call.id }, &salt, at, now).await?;
    }
    Ok(Some(patient))
}

async fn own<'a>(
    tx: &mut OrgTx,
    floor: &'a Floor,
    staff: StaffId,
    deed: Deed,
    now: DateTime<Utc>,
) -> Result<Option<&'a LiveSeat>, Error> {
    let own = floor.seat_of(staff)?;
    let changed = seats::wish(tx, own.leg, Seat { muted: deed == Deed::Mute, ..own.seat }, now).await?;
    Ok(changed.then_some(own))
}
