//! The runner: asks which organizations have due work, claims it organization by organization, the longest waiting first;
//! runs it outside any transaction; finishes it short.

use super::dispatch::dispatch;
use crate::{
    app::App,
    domain::{ids::OrgId, people::Actor},
    error::{Error, Verdict},
    failpoint::FailPoint,
    flows,
    store::jobs::{self, ClaimedJob, MOST_TRIES},
};
use chrono::Duration;
use std::{collections::BTreeSet, sync::Arc};
use tokio::{sync::Semaphore, task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Jobs of one organization taken at a look.
const AT_A_LOOK: i64 = 8;
/// Jobs running at once in this process.
const AT_ONCE: usize = 16;

/// Runs until told to stop, then waits for the jobs under way.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(app.settings.dialling.timings.look_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut runner = Runner::new(app);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        while runner.running.try_join_next().is_some() {}
        if let Err(error) = runner.work().await {
            tracing::warn!(error = %error, "the queue cannot be read");
        }
    }
    while runner.running.join_next().await.is_some() {}
}

/// One process's part in the work.
pub struct Runner {
    app: Arc<App>,
    greeted: Greeted,
    places: Arc<Semaphore>,
    running: JoinSet<()>,
}

impl Runner {
    /// One that has nothing under way.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self { app, greeted: Greeted::default(), places: Arc::new(Semaphore::new(AT_ONCE)), running: JoinSet::new() }
    }

    /// Works what is due by the application's clock and waits until all of it is done; how many jobs ran. What they made due
    /// is for the next time.
    ///
    /// # Errors
    /// When the queue cannot be read; jobs under way go on.
    pub async fn round(&mut self) -> Result<usize, Error> {
        let mut ran = 0_usize;
        loop {
            let begun = self.work().await?;
            ran = ran.saturating_add(begun);
            // A look that was not full found all there was.
            let is_full = i64::try_from(begun).is_ok_and(|begun| begun >= AT_A_LOOK);
            if !is_full && self.running.is_empty() {
                return Ok(ran);
            }
            if is_full && self.places.available_permits() > 0 {
                continue;
            }
            while self.running.join_next().await.is_some() {}
            if !is_full {
                return Ok(ran);
            }
        }
    }

    /// One look at the queue; how many jobs it began.
    async fn work(&mut self) -> Result<usize, Error> {
        if !self.greeted.everybody {
            greet(&self.app, &mut self.greeted).await?;
        }
        let mut begun = 0_usize;
        for org in jobs::organizations_with_due_work(&self.app.db, self.app.clock.now()).await? {
            begun = begun.saturating_add(self.look(org).await);
        }
        Ok(begun)
    }

    /// Claims what is due in one organization and starts it; how many jobs that were.
    async fn look(&mut self, org: OrgId) -> usize {
        let free = i64::try_from(self.places.available_permits()).unwrap_or(0).min(AT_A_LOOK);
        if free == 0 {
            return 0;
        }
        match claim(&self.app, org, free).await {
            Ok(claimed) => {
                let begun = claimed.len();
                for job in claimed {
                    let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return begun };
                    let app = Arc::clone(&self.app);
                    self.running.spawn(async move {
                        run_one(&app, org, job).await;
                        drop(place);
                    });
                }
                begun
            }
            Err(error) => {
                tracing::warn!(error = %error, org = %org, "jobs were not claimed");
                0
            }
        }
    }
}

/// Organizations whose streams were looked at after this start; one that is founded later lost none.
#[derive(Default)]
struct Greeted {
    organizations: BTreeSet<OrgId>,
    everybody: bool,
}

/// Looks after the streams that were lost before this start, in each organization until it succeeded once.
async fn greet(app: &App, greeted: &mut Greeted) -> Result<(), Error> {
    let organizations = app.db.organizations().await?;
    for (org, _code) in &organizations {
        if greeted.organizations.contains(org) {
            continue;
        }
        let careline = Actor::careline(*org);
        let looked = match flows::fork_leg::after_restart(app, &careline).await {
            Ok(_) => flows::floor::after_restart(app, &careline).await,
            Err(error) => Err(error),
        };
        match looked {
            Ok(_) => {
                greeted.organizations.insert(*org);
            }
            Err(error) => {
                tracing::warn!(error = %error, org = %org, "streams lost before this start were not looked at");
            }
        }
    }
    greeted.everybody = greeted.organizations.len() == organizations.len();
    Ok(())
}

async fn claim(app: &App, org: OrgId, most: i64) -> Result<Vec<ClaimedJob>, Error> {
    // Longer than the longest job: a dial takes at most 12 s at the carrier and short transactions around it.
    let lease = app.settings.dialling.timings.job_lease.as_secs_f64();
    let mut tx = app.db.begin(&Actor::careline(org)).await?;
    let claimed = jobs::claim(&mut tx, app.clock.now(), most, lease).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Runs one job, writes the canonical line, stores what became of it. If even that fails, its lease runs out and it
/// runs again.
async fn run_one(app: &App, org: OrgId, claimed: ClaimedJob) {
    let actor = Actor::careline(org);
    let began = tokio::time::Instant::now();
    let done = dispatch(app, &actor, &claimed.job).await;
    let milliseconds = began.elapsed().as_millis();
    let kind = claimed.job.kind();
    match &done {
        Ok(()) => tracing::info!(job = %claimed.id, kind, tries = claimed.tries, milliseconds, "job done"),
        Err(error) => {
            tracing::warn!(job = %claimed.id, kind, tries = claimed.tries, milliseconds, error = %error, "job failed");
        }
    }
    FailPoint::JobEndPre.pass();
    let stored = match done {
        // A row that has gone or moved on leaves nothing to do either.
        Ok(()) | Err(Error::NotFound | Error::Conflict(_)) => finish(app, &actor, &claimed).await,
        Err(error) if claimed.tries < most_tries(&error) => postpone(app, &actor, &claimed, &error).await,
        Err(error) => flows::give_up_job::give_up(app, &actor, &claimed, &error.to_string()).await,
    };
    if let Err(error) = stored {
        tracing::warn!(job = %claimed.id, kind, error = %error, "what became of a job was not stored");
    }
}

/// A dependency may come back; a fault of ours is tried again in case it was a moment's; what the caller did wrong stays so.
fn most_tries(error: &Error) -> i32 {
    match error.verdict() {
        Verdict::TryLater => MOST_TRIES,
        Verdict::OurFault => 3,
        Verdict::CallersFault => 0,
    }
}

async fn finish(app: &App, actor: &Actor, claimed: &ClaimedJob) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    jobs::finish(&mut tx, claimed.id, app.clock.now()).await?;
    tx.commit().await
}

async fn postpone(app: &App, actor: &Actor, claimed: &ClaimedJob, error: &Error) -> Result<(), Error> {
    let wait = Duration::seconds(1 << claimed.tries.clamp(0, 6));
    let mut tx = app.db.begin(actor).await?;
    jobs::postpone(&mut tx, claimed.id, app.clock.now() + wait, &error.to_string()).await?;
    tx.commit().await
}
