//! Ends a conversation from the nurse's screen.

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

/// Hangs up: the conversation is over, a job ends the legs.
///
/// # Errors
/// `Conflict` when nobody talks on this call.
pub async fn end(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut locked = calls::lock(&mut tx, call).await?;
    let _reached = teams::reach(&mut tx, actor, locked.patient, now).await?;
    if !errands::follow(&mut tx, actor, &mut locked, CallEvent::NurseLeft, now).await? {
        return Err(Error::Conflict("nobody talks on this call at present".to_owned()));
    }
    let deed = Deed::of(DeedKind::MovedLeg).patient(locked.patient).subject(call.0).with("event", "nurse_hung_up");
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}
