//! Periodic work: the record is chained several times a second, in each organization by one sequencer; its end is signed
//! every minute and all of it verified every hour. Attempts whose process died, surplus rings at the carrier and calls that
//! nobody rings are looked for all the time. Care plans make their calls, and texts are announced and fetched. Kept
//! documents and recordings are verified every week, and recordings and the words of calls erased when their time is over. Buckets that have filled
//! again are forgotten every quarter of an hour.

use crate::{
    app::App,
    domain::{dialling::Timings, ids::OrgId, people::Actor},
    error::Error,
    flows::{self, keep_pace, sweep_orphans::Tail},
};
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_secs(900);

/// Between two looks at what is to be chained: an entry is chained within a second of its commit.
const CHAIN_EVERY: Duration = Duration::from_millis(400);
/// Between two looks at whether a checkpoint is due.
const SIGN_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at care plans: a new one has its calls within a minute.
const PLAN_EVERY: Duration = Duration::from_secs(20);
/// Between two looks at whether a verification is due.
const VERIFY_EVERY: Duration = Duration::from_secs(60);

/// Between two looks at which calls are to be announced by text.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(60);

/// Between two looks at the carrier for texts that no webhook brought.
const CATCH_UP_EVERY: Duration = Duration::from_secs(300);

/// One kind of periodic work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Round {
    /// Attempts, and listening, whose process died.
    Leases,
    /// Surplus rings of the last quarter of an hour.
    NearTail,
    /// Surplus rings of the last day.
    WideTail,
    /// Calls that nobody rings.
    Overdue,
    /// What was written is chained.
    Chain,
    /// The end of the chain is signed.
    Sign,
    /// All of the record is verified, when it is time.
    Verify,
    /// Care plans make their calls.
    Plan,
    /// Planned calls are announced by text.
    Announce,
    /// Texts that no webhook brought.
    CatchUp,
    /// Kept files are verified, when it is time.
    Scrub,
    /// Recordings and the words of calls are erased, when it is time.
    Erase,
    /// Full buckets are forgotten.
    Buckets,
}

impl Round {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Leases,
        Self::NearTail,
        Self::WideTail,
        Self::Overdue,
        Self::Chain,
        Self::Sign,
        Self::Verify,
        Self::Plan,
        Self::Announce,
        Self::CatchUp,
        Self::Scrub,
        Self::Erase,
        Self::Buckets,
    ];

    /// How long a process that does it rests in between.
    #[must_use]
    pub const fn every(self, timings: &Timings) -> Duration {
        match self {
            Self::Leases => timings.lease_sweep_every,
            Self::NearTail => timings.tail_sweep_every,
            Self::WideTail => timings.wide_sweep_every,
            Self::Overdue => timings.missed_every,
            Self::Chain => CHAIN_EVERY,
            Self::Sign => SIGN_EVERY,
            Self::Verify => VERIFY_EVERY,
            Self::Plan => PLAN_EVERY,
            Self::Announce => ANNOUNCE_EVERY,
            Self::CatchUp => CATCH_UP_EVERY,
            Self::Scrub | Self::Erase | Self::Buckets => SWEEP_EVERY,
        }
    }
}

/// Runs until told to stop.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let timings = app.settings.dialling.timings;
    let (app, stop) = (&app, &stop);
    let rounds = Round::ALL.map(|round| at_intervals(round.every(&timings), stop, move || go(app, round)));
    futures_util::future::join_all(rounds).await;
}

/// Does one kind of periodic work in every organization, once.
pub async fn go(app: &App, round: Round) {
    match round {
        Round::Leases => each(app, leases).await,
        Round::NearTail => each(app, near_tail).await,
        Round::WideTail => each(app, wide_tail).await,
        Round::Overdue => each(app, overdue).await,
        Round::Chain => each(app, chain).await,
        Round::Sign => each(app, sign).await,
        Round::Verify => each(app, verify).await,
        Round::Plan => each(app, plan).await,
        Round::Announce => each(app, announce).await,
        Round::CatchUp => each(app, catch_up).await,
        Round::Scrub => each(app, scrub).await,
        Round::Erase => each(app, erase).await,
        Round::Buckets => sweep(app).await,
    }
}

/// Does something now and then, one after the other, until told to stop.
async fn at_intervals<F: Future<Output = ()>>(every: Duration, stop: &CancellationToken, what: impl Fn() -> F) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        what().await;
    }
}

/// Does something in every organization; one that fails does not hold the others back.
async fn each<'a, F: Future<Output = Result<(), Error>>>(app: &'a App, what: impl Fn(&'a App, Actor) -> F) {
    let Ok(organizations) = app.db.organizations().await else { return };
    for (org, _code) in organizations {
        if let Err(error) = what(app, Actor::careline(org)).await {
            tracing::warn!(cause = %error.cause(), org = %org, "periodic work was not done; it is tried again at its next time");
        }
    }
}

/// Until a batch is not full: what was written in one rush is chained at one look, and whoever never stops writing does not
/// keep the other organizations waiting.
async fn chain(app: &App, actor: Actor) -> Result<(), Error> {
    while flows::chain_record::chain(app, &actor).await?.was_full() {}
    Ok(())
}

async fn sign(app: &App, actor: Actor) -> Result<(), Error> {
    flows::keep_checkpoints::keep(app, &actor).await
}

async fn plan(app: &App, actor: Actor) -> Result<(), Error> {
    flows::plan_ahead::plan(app, &actor).await.map(drop)
}

async fn verify(app: &App, actor: Actor) -> Result<(), Error> {
    if flows::watch_record::is_due(app, &actor).await? {
        let report = flows::verify_record::verify(app, &actor).await?;
        flows::watch_record::note(app, &actor, &report).await?;
    }
    Ok(())
}

async fn leases(app: &App, actor: Actor) -> Result<(), Error> {
    flows::sweep_attempts::sweep(app, &actor).await.map(drop)?;
    flows::floor::sweep_listening(app, &actor).await
}

async fn near_tail(app: &App, actor: Actor) -> Result<(), Error> {
    flows::sweep_orphans::sweep(app, &actor, Tail::Near).await.map(drop)
}

async fn wide_tail(app: &App, actor: Actor) -> Result<(), Error> {
    flows::sweep_orphans::sweep(app, &actor, Tail::Wide).await.map(drop)
}

async fn overdue(app: &App, actor: Actor) -> Result<(), Error> {
    flows::find_overdue::find(app, &actor).await.map(drop)
}

async fn announce(app: &App, actor: Actor) -> Result<(), Error> {
    flows::announce_calls::announce(app, &actor).await.map(drop)
}

async fn catch_up(app: &App, actor: Actor) -> Result<(), Error> {
    flows::hear_text::catch_up(app, &actor).await.map(drop)
}

async fn scrub(app: &App, actor: Actor) -> Result<(), Error> {
    flows::scrub_files::plan(app, &actor).await
}

async fn erase(app: &App, actor: Actor) -> Result<(), Error> {
    flows::recordings::erase::plan(app, &actor).await?;
    flows::transcripts::erase::erase(app, &actor).await
}

async fn sweep(app: &App) {
    let Ok(organizations) = app.db.organizations().await else { return };
    for org in organizations.into_iter().map(|(org, _)| org).chain([OrgId::NOBODYS]) {
        if let Err(error) = keep_pace::sweep(app, org).await {
            tracing::warn!(cause = %error.cause(), "full buckets were not swept");
        }
    }
}
