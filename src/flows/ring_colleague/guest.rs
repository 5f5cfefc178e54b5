//! Somebody who is asked into a live call.

use super::{Colleague, ring_once};
use crate::{
    app::App,
    domain::{
        attempt::Party,
        call::CallState,
        floor::GuestState,
        ids::{CallId, GuestId},
        line::Line,
        people::Actor,
    },
    error::Error,
    store::{attempts, calls, guests},
};
use tokio::time::Instant;

/// Rings them.
///
/// # Errors
/// When the database is away. What the carrier does becomes the attempt's state, and the page shows it.
pub async fn ring(app: &App, actor: &Actor, call: CallId, guest: GuestId) -> Result<(), Error> {
    let began = Instant::now();
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, call).await?;
    let asked = guests::read(&mut tx, call.id, guest).await?;
    // One guest is rung at a time, so an open attempt is this one's own, from a run before this.
    if asked.state != GuestState::Asked || attempts::of_guest(&mut tx, guest).await? {
        return Ok(());
    }
    let number = guests::number(&mut tx, asked.whom).await?;
    let line = number.filter(|_| call.state == CallState::Bridged && asked.dismissed_at.is_none()).map(Line::from);
    let party = Party::Guest { guest, staff: asked.staff() };
    ring_once(app, actor, began, tx, call, Colleague { party, ordinal: 1, line }).await
}
