//! What can be done while people talk: hold and mute, asking somebody in, handing the call over, supervising. Each deed
//! writes what is wished, then asks the carrier at once; a job goes on asking until the carrier has confirmed it.

mod guests;
mod hand_over;
mod hold;
mod keep;
mod listen;
mod read;

pub use guests::{ask, let_go, supervise};
pub use hand_over::hand_over;
pub use hold::{Deed as HoldDeed, change as hold};
pub use keep::{after_restart, keep};
pub use listen::{
    Audible, begin as begin_listening, gone as stopped_listening, look as look_what_is_audible, stop as stop_listening,
    sweep as sweep_listening,
};
pub use read::{FloorPage, Sitting, read};

use crate::{
    app::App,
    domain::{
        call::{Call, CallState},
        ids::{CallId, StaffId},
        job::Job,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx, calls, jobs,
        seats::{self, LiveSeat},
        teams,
    },
};
use chrono::{DateTime, Duration, Utc};

/// How long a page waits for the carrier's word before it says that the word is still awaited.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(4);
/// When a job asks the carrier, should this process not live to do so.
const LOOK_AFTER_SECONDS: i64 = 5;

/// A live call, locked, and whoever is on it.
struct Floor {
    call: Call,
    seats: Vec<LiveSeat>,
}

impl Floor {
    /// The seat of a staff member's own telephone.
    fn seat_of(&self, staff: StaffId) -> Result<&LiveSeat, Error> {
        let own = self.seats.iter().find(|sitting| sitting.party.staff() == Some(staff));
        own.ok_or_else(|| {
            Error::Conflict("your telephone is not on this call; only who is on it can do this".to_owned())
        })
    }
}

/// Locks a call on which people talk.
async fn lock(tx: &mut OrgTx, actor: &Actor, call: CallId, now: DateTime<Utc>) -> Result<(Floor, StaffId), Error> {
    let staff = actor.staff_id().ok_or(Error::Forbidden)?;
    let call = calls::lock(tx, call).await?;
    let _reached = teams::reach(tx, actor, call.patient, now).await?;
    if call.state != CallState::Bridged {
        return Err(Error::Conflict("nobody talks on this call at present".to_owned()));
    }
    let seats = seats::of_call(tx, call.id).await?;
    Ok((Floor { call, seats }, staff))
}

/// Leaves jobs behind that see to the wishes of this transaction whatever becomes of this process.
async fn see_to_it(tx: &mut OrgTx, call: CallId, now: DateTime<Utc>) -> Result<(), Error> {
    for after in [LOOK_AFTER_SECONDS, 3 * LOOK_AFTER_SECONDS] {
        let at = now + Duration::seconds(after);
        jobs::enqueue(tx, &Job::KeepFloor { call }, &at.timestamp_micros().to_string(), at, now).await?;
    }
    Ok(())
}

/// Asks the carrier now, for as long as a person waits; what it does not confirm in that time the page shows as open.
async fn at_once(app: &App, actor: &Actor, call: CallId) {
    let careline = Actor::careline(actor.org);
    match tokio::time::timeout(PATIENCE, keep(app, &careline, call)).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::warn!(call = %call, error = %error, "the carrier was not asked at once"),
    }
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
}
