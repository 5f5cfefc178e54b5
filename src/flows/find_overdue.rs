//! Finds calls that are due and that nobody rings, whatever went wrong: their jobs are enqueued again, and when that does
//! not help a person is told. Nothing is lost.

use crate::{
    app::App,
    domain::{
        attempt::{AttemptState, Party},
        audit::{Deed, DeedKind},
        call::{CallEvent, CallState, Owed},
        ids::CallId,
        job::Job,
        people::Actor,
    },
    error::Error,
    store::{attempts, audit::record, calls, dialling, errands, jobs, sweeps},
};
use chrono::Duration;

/// A call this long past due is given a new job.
const LATE_SECONDS: i64 = 60;
/// A call this long past due is told to a person.
const TOO_LATE_MINUTES: i64 = 10;

/// One look at one organization. Returns how many calls were found.
///
/// # Errors
/// When the database is away.
pub async fn find(app: &App, actor: &Actor) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let pause = dialling::pause_in_force(&mut tx, actor, now).await?;
    let late = sweeps::late_calls(&mut tx, now - Duration::seconds(LATE_SECONDS)).await?;
    let stuck = sweeps::stuck_calls(&mut tx).await?;
    for call in &late {
        let salt = format!("late:{}", now.timestamp_micros());
        jobs::enqueue(&mut tx, &Job::PlaceCall { call: *call }, &salt, now, now).await?;
    }
    let too_late = match pause {
        // A pause is shown as such; its calls are not forgotten, and whoever ends it has them rung.
        Some(_) => Vec::new(),
        None => dialling::due_calls(&mut tx, now - Duration::minutes(TOO_LATE_MINUTES)).await?,
    };
    tx.commit().await?;
    for call in &too_late {
        tell(app, actor, *call).await?;
    }
    for call in &stuck {
        free(app, actor, *call).await?;
    }
    Ok(late.len() + stuck.len() + too_late.len())
}

/// Tells a person, once.
async fn tell(app: &App, actor: &Actor, id: CallId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, id).await?;
    if call.state != CallState::Scheduled || dialling::was_told(&mut tx, id, Owed::Overdue).await? {
        return Ok(());
    }
    tracing::error!(org = %actor.org, call = %id, "a call is due and was not rung; a person is told");
    let deed = Deed::of(DeedKind::FoundOverdueCall).patient(call.patient).subject(id.0);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    errands::owe(&mut tx, actor, &call, Owed::Overdue, now).await?;
    tx.commit().await
}

/// A call that is being placed without an attempt: dialled again when it is certain that nothing rang, else left to a person.
async fn free(app: &App, actor: &Actor, id: CallId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    // Looked at again under the lock: a step may have been under way.
    if call.state != CallState::Placing || !sweeps::stuck_calls(&mut tx).await?.contains(&id) {
        return Ok(());
    }
    let event = match attempts::latest(&mut tx, id, Party::Patient).await? {
        Some(AttemptState::Rejected | AttemptState::Abandoned | AttemptState::NotPlaced) => CallEvent::NotTaken,
        None
        | Some(
            AttemptState::Intent
            | AttemptState::Dialing
            | AttemptState::Bound
            | AttemptState::Unknown
            | AttemptState::NeedsPerson,
        ) => CallEvent::Unresolved,
    };
    let deed = Deed::of(DeedKind::FoundOverdueCall).patient(call.patient).subject(id.0).with("state", "placing");
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    errands::follow(&mut tx, actor, &mut call, event, now).await?;
    tx.commit().await
}
