//! Looks after attempts whose process died: what was intended and never sent is given up, what is in doubt is looked into.

use crate::{
    app::App,
    domain::{attempt::AttemptState, ids::AttemptId, job::Job, people::Actor},
    error::Error,
    failpoint::FailPoint,
    store::{attempts, hand_overs, jobs, sweeps, tidings},
};
use chrono::Duration;

/// One sweep of one organization. Returns how many attempts were given up or are looked into.
///
/// # Errors
/// When the database is away.
pub async fn sweep(app: &App, actor: &Actor) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let expired = sweeps::expired_intents(&mut tx).await?;
    let unwatched = sweeps::unwatched(&mut tx, now - Duration::minutes(2)).await?;
    for attempt in &unwatched {
        let salt = format!("sweep:{}", now.timestamp_micros());
        jobs::enqueue(&mut tx, &Job::ReconcileAttempt { attempt: *attempt }, &salt, now, now).await?;
    }
    tx.commit().await?;
    for attempt in &expired {
        abandon(app, actor, *attempt).await?;
    }
    Ok(expired.len() + unwatched.len())
}

/// An intent whose process died before it was allowed to be sent. Nothing was sent, so the call is dialled again.
async fn abandon(app: &App, actor: &Actor, attempt: AttemptId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (read, mut call) = tidings::lock(&mut tx, attempt).await?;
    if read.state != AttemptState::Intent || read.is_leased {
        return Ok(());
    }
    FailPoint::LeaseSweepPre.pass();
    if attempts::settle(&mut tx, (attempt, read.epoch), AttemptState::Abandoned, "never_sent", now).await? {
        hand_overs::came_to_nothing(&mut tx, actor, read.party, &mut call, now).await?;
    }
    tx.commit().await
}
