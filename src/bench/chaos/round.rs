//! One round of a run: calls fall due, processes die, and afterwards it is counted what really rang.

use super::{
    crew::Crew,
    oracle::{self, Tally},
    stage::{People, Planned, Stage},
    worker::Duty,
};
use crate::bench::Broken;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Between two looks at the crew.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// A storm lasts so many times as long as its calls fall due, at most.
const LONGEST_STORM: u32 = 4;
/// How long the last calls may take once nobody is killed any more.
const TO_CALM: Duration = Duration::from_secs(120);

/// Whether surplus rings are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweeps {
    /// Two of the workers sweep.
    On,
    /// Nobody does: a control.
    Off,
}

/// How jobs are worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As the product does.
    Careline(Sweeps),
    /// By a plain queue: a control.
    Retry,
}

/// What is tried.
#[derive(Clone, Debug)]
pub struct Round {
    /// Calls.
    pub calls: usize,
    /// Within how much real time they fall due.
    pub spread: Duration,
    /// Processes.
    pub workers: usize,
    /// After so many deaths nobody is killed any more.
    pub kills: u32,
    /// Of these, so many of a hundred at random instants.
    pub random_share: u32,
    /// How often the database server is killed.
    pub database_kills: u32,
    /// Points and their odds.
    pub odds: Vec<(String, f64)>,
    /// How the carrier misbehaves.
    pub faults: serde_json::Value,
    /// Who lives in town.
    pub people: People,
    /// How jobs are worked.
    pub method: Method,
    /// Real milliseconds between two looks for surplus rings.
    pub tail_sweep_milliseconds: u64,
    /// How long the carrier may still accept something after the last call fell due.
    pub aftermath: Duration,
    /// Where choices begin.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was counted.
    pub tally: Tally,
    /// Where processes died.
    pub deaths: BTreeMap<String, u32>,
    /// How often the database server was killed.
    pub database_kills: u32,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// Processes killed.
    #[must_use]
    pub fn killed(&self) -> u32 {
        self.deaths.values().sum()
    }

    /// Deaths by place, as a line.
    #[must_use]
    pub fn places(&self) -> String {
        let places: Vec<String> = self.deaths.iter().map(|(place, count)| format!("{place} {count}")).collect();
        places.join(", ")
    }
}

/// Runs it.
///
/// # Errors
/// When the round could not be made; what was counted is no error here.
pub async fn run(stage: &mut Stage, round: &Round) -> Result<Outcome, Broken> {
    let began = Instant::now();
    stage.misbehave(&round.faults)?;
    stage.tail_sweep_milliseconds = round.tail_sweep_milliseconds;
    let planned = stage.plan(round.calls, round.spread, round.people).await?;
    let mut crew = Crew::start(stage, duties(round), round.seed, &round.odds).await?;
    let database_kills = storm(stage, &mut crew, round, &planned).await?;
    // From here on nobody dies, and whatever was begun must come to its end.
    crew.renew(stage, &[]).await?;
    tokio::time::sleep(round.aftermath).await;
    calm(stage, &mut crew, &planned).await?;
    let tally = oracle::count(stage, &planned).await?;
    let deaths = crew.deaths.by_place();
    crew.dismiss().await;
    Ok(Outcome { tally, deaths, database_kills, took: began.elapsed() })
}

fn duties(round: &Round) -> Vec<Duty> {
    let duty = |place: usize| match round.method {
        Method::Careline(Sweeps::On) if place < 2 => Duty::WorkAndSweep,
        Method::Careline(Sweeps::On | Sweeps::Off) => Duty::Work,
        Method::Retry => Duty::Retry,
    };
    (0..round.workers).map(duty).collect()
}

/// Calls fall due and processes die. Returns how often the database server was killed.
async fn storm(stage: &mut Stage, crew: &mut Crew, round: &Round, planned: &[Planned]) -> Result<u32, Broken> {
    let mut dice = StdRng::seed_from_u64(round.seed);
    let whole = round.spread + Duration::from_secs(2);
    let at_random = round.kills * round.random_share / 100;
    let every = whole.checked_div(at_random.max(1)).unwrap_or(whole);
    let database_every = whole.checked_div(round.database_kills + 1).unwrap_or(whole);
    let began = Instant::now();
    let (mut next_kill, mut database_kills) = (every, 0);
    // On a machine with much to do the calls take longer than they should; deaths go on while any is under way.
    while began.elapsed() < whole || rages(stage, crew, round, planned, began).await? {
        let may_kill = crew.deaths.total() < round.kills;
        let odds = if may_kill { round.odds.as_slice() } else { &[] };
        crew.fill(stage, odds).await?;
        if may_kill && at_random > 0 && began.elapsed() >= next_kill {
            next_kill += every;
            crew.kill_one(dice.random_range(0..round.workers.max(1))).await?;
        }
        if database_kills < round.database_kills && began.elapsed() >= database_every * (database_kills + 1) {
            database_kills += 1;
            stage.kill_database().await?;
            crew.renew(stage, odds).await?;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(database_kills)
}

/// Whether more deaths are wanted and something is left to die for.
async fn rages(stage: &Stage, crew: &Crew, round: &Round, planned: &[Planned], began: Instant) -> Result<bool, Broken> {
    let wanted = crew.deaths.total() < round.kills && began.elapsed() < round.spread * LONGEST_STORM;
    Ok(wanted && !oracle::is_quiet(stage, planned).await?)
}

async fn calm(stage: &Stage, crew: &mut Crew, planned: &[Planned]) -> Result<(), Broken> {
    let began = Instant::now();
    while began.elapsed() < TO_CALM {
        crew.fill(stage, &[]).await?;
        // Looked at twice: a ring that has just ended may still have its callbacks under way.
        if oracle::is_quiet(stage, planned).await? {
            tokio::time::sleep(Duration::from_millis(800)).await;
            if oracle::is_quiet(stage, planned).await? {
                return Ok(());
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Whatever is not over by now is counted as lost.
    Ok(())
}
