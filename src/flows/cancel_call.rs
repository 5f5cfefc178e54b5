//! Calls a call off. What already rings is hung up by a job.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::CallEvent,
        ids::CallId,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    store::{audit::record, calls, errands, teams},
};

/// Calls it off.
///
/// # Errors
/// `Conflict` when patient and nurse already talk or the call is over; hang up instead.
pub async fn cancel(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut locked = calls::lock(&mut tx, call).await?;
    let _reached = teams::reach(&mut tx, actor, locked.patient, now).await?;
    let deed = Deed::of(DeedKind::CancelledCall).patient(locked.patient).subject(call.0);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    if !errands::follow(&mut tx, actor, &mut locked, CallEvent::CalledOff, now).await? {
        return Err(Error::Conflict("this call can no longer be called off".to_owned()));
    }
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}
