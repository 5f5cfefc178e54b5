//! The control: dialling by a plain queue, which tries a job again until it is told that it worked. It keeps no attempts,
//! asks nobody, and must be seen to ring twice; a run that does not see it proves nothing.

use crate::{
    app::App,
    domain::{
        audit::DeedKind,
        call::CallState,
        ids::{AttemptId, CallId, OrgId},
        job::Job,
        people::Actor,
    },
    error::Error,
    failpoint::FailPoint,
    ports::phone::{Detect, Dial},
    store::{
        audit::open_chart,
        calls,
        jobs::{self, ClaimedJob},
        organizations, standing,
    },
};
use chrono::Duration;
use std::time::Duration as StdDuration;
use tokio_util::sync::CancellationToken;

/// Jobs taken at a look, done at once.
const AT_ONCE: i64 = 8;

/// Runs until told to stop.
pub async fn run(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        // Whatever goes wrong is tried again, which is the whole of the method.
        let _looked = look(app).await;
        tokio::time::sleep(StdDuration::from_millis(30)).await;
    }
}

async fn look(app: &App) -> Result<(), Error> {
    for (org, _code) in app.db.organizations().await? {
        let mut tx = app.db.begin(&Actor::careline(org)).await?;
        let lease = app.settings.dialling.timings.job_lease.as_secs_f64();
        let claimed = jobs::claim(&mut tx, app.clock.now(), AT_ONCE, lease).await?;
        tx.commit().await?;
        futures_util::future::join_all(claimed.iter().map(|job| work(app, org, job))).await;
    }
    Ok(())
}

async fn work(app: &App, org: OrgId, claimed: &ClaimedJob) {
    let actor = Actor::careline(org);
    let done = if let Job::PlaceCall { call } = &claimed.job { dial(app, &actor, *call).await } else { Ok(()) };
    let _stored = store(app, &actor, claimed, done).await;
}

async fn store(app: &App, actor: &Actor, claimed: &ClaimedJob, done: Result<(), Error>) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    match done {
        Ok(()) => jobs::finish(&mut tx, claimed.id, now).await?,
        Err(why) => jobs::postpone(&mut tx, claimed.id, now + Duration::seconds(10), &why.to_string()).await?,
    }
    tx.commit().await
}

async fn dial(app: &App, actor: &Actor, id: CallId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, id).await?;
    if call.state != CallState::Scheduled {
        return Ok(());
    }
    let receipt = open_chart(&mut tx, actor, call.patient, DeedKind::IntendedAttempt, now).await?;
    let to = standing::number(&mut tx, &receipt).await?;
    let from = organizations::calling_settings(&mut tx).await?.caller_number;
    tx.commit().await?;
    FailPoint::PostPre.pass();
    let attempt = AttemptId::at(now);
    let (ring_for, detect) = (StdDuration::from_secs(30), Detect::Nothing);
    app.phone.place(&Dial { org: actor.org, attempt, to: to.into(), from, ring_for, detect }).await?;
    FailPoint::PostPost.pass();
    let mut tx = app.db.begin(actor).await?;
    let mut call = calls::lock(&mut tx, id).await?;
    call.state = CallState::Missed;
    calls::save(&mut tx, &call).await?;
    tx.commit().await
}
