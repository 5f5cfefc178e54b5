//! Pauses dialling and lets it go on: the operator's switch, and the rule that a restored database dials nobody until a
//! person has looked.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        dialling::{Pause, PauseReason},
        job::Job,
        people::Actor,
    },
    error::Error,
    store::{audit::record, dialling, jobs},
};

/// Pauses dialling of one organization; patients who are on the line are looked after as ever.
///
/// # Errors
/// When the database is away.
pub async fn pause(app: &App, actor: &Actor) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::PausedDialling).with("why", PauseReason::Operator.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    dialling::pause(&mut tx, &receipt, PauseReason::Operator, now).await?;
    tx.commit().await
}

/// Lets dialling go on; calls that fell due meanwhile are rung at the usual pace. Returns how many.
///
/// # Errors
/// `Conflict` when it is not paused.
pub async fn resume(app: &App, actor: &Actor) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    // A restored database that nobody asked yet is recognized first, and this ends that pause too.
    dialling::pause_in_force(&mut tx, actor, now).await?;
    let due = dialling::due_calls(&mut tx, now).await?;
    let deed = Deed::of(DeedKind::ResumedDialling).with("due_calls", due.len());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    if !dialling::resume(&mut tx, &receipt, now).await? {
        return Err(Error::Conflict("dialling is not paused".to_owned()));
    }
    for call in &due {
        let salt = format!("resumed:{}", now.timestamp_micros());
        jobs::enqueue(&mut tx, &Job::PlaceCall { call: *call }, &salt, now, now).await?;
    }
    tx.commit().await?;
    Ok(due.len())
}

/// The pause in force, if there is one. A database that is not the one last dialled from is recognized here, before anybody
/// is dialled.
///
/// # Errors
/// When the database is away.
pub async fn state(app: &App, actor: &Actor) -> Result<Option<Pause>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let pause = dialling::pause_in_force(&mut tx, actor, now).await?;
    let _receipt = record(&mut tx, actor, &Deed::of(DeedKind::OpenedDialling), now).await?;
    tx.commit().await?;
    Ok(pause)
}
