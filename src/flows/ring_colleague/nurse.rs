//! A nurse: for a patient who waits in the conference, or before the patient is rung.

use super::{Colleague, ring_once};
use crate::{
    app::App,
    domain::{
        attempt::Party,
        call::CallState,
        ids::{CallId, StaffId},
        people::Actor,
    },
    error::Error,
    store::{attempts, browser_lines, calls},
};
use tokio::time::Instant;

/// Rings one nurse.
///
/// # Errors
/// When the database is away. What the carrier does becomes the attempt's state, and the next nurse is rung.
pub async fn ring(app: &App, actor: &Actor, call: CallId, nurse: StaffId) -> Result<(), Error> {
    let began = Instant::now();
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, call).await?;
    let party = Party::Nurse(nurse);
    let open = attempts::open_one(&mut tx, call.id, party).await?;
    let is_wanted = matches!(call.state, CallState::WaitingForNurse | CallState::AskingNurse);
    if !is_wanted || open.is_some() || call.nurses_asked.last() != Some(&nurse) {
        return Ok(());
    }
    // No line: they left, or their number was taken away, since they were chosen.
    let line = browser_lines::of_nurse(&mut tx, nurse).await?;
    let ordinal = i32::try_from(call.nurses_asked.len()).unwrap_or(i32::MAX);
    ring_once(app, actor, began, tx, call, Colleague { party, ordinal, line }).await
}
