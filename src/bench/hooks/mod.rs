//! Webhooks (P8, P9): reports in any order and number end a call once and the same way; forged and replayed letters change
//! nothing; an answer comes soon, and only when what it answers is in the database.

pub mod acks;
mod controls;
mod forgeries;
mod letters;
mod orders;
mod post;
mod stage;

pub use forgeries::{Due, Trick};

use super::{
    Broken, machine,
    town_ground::{Running, TownGround},
};
use crate::simulator::people::TownPlan;
use acks::{Acks, Door};
use orders::Sequences;
use stage::{Forged, Stage};
use std::{
    fmt,
    path::PathBuf,
    time::{Duration, Instant},
};

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// How many forged or replayed letters are brought.
    #[arg(long, default_value_t = 100_000)]
    forgeries: u64,
    /// How many calls are reported in a random order.
    #[arg(long, default_value_t = 1_000)]
    sequences: usize,
    /// How many letters are answered while the product is killed.
    #[arg(long, default_value_t = 10_000)]
    acks: u64,
    /// How often it is killed meanwhile.
    #[arg(long, default_value_t = 25)]
    kills: u64,
    /// Where the choices begin; the same seed makes the same choices.
    #[arg(long, default_value_t = 20_261_121)]
    seed: u64,
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Forged or replayed letters.
    pub forgeries: u64,
    /// Calls reported in a random order.
    pub sequences: usize,
    /// Letters answered under kills.
    pub acks: u64,
    /// Kills.
    pub kills: u64,
    /// Where the choices begin.
    pub seed: u64,
}

/// An answer to a webhook may take this long (p99).
pub const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Reports in random orders.
    pub sequences: Sequences,
    /// Calls that ended otherwise than they should.
    pub strays: i64,
    /// Whether a call that was tampered with is counted as a stray.
    pub stray_is_seen: bool,
    /// Forged and replayed letters.
    pub forged: Forged,
    /// Letters that a telephone without a check of signatures let in.
    pub let_in_unsigned: u64,
    /// Letters answered under kills.
    pub acks: Acks,
    /// Letters that a door lost which answers before the commit.
    pub hasty: Acks,
    /// How long it all took.
    pub took: Duration,
}

impl Findings {
    /// Whether every promise held and every missing protection was noticed. Times are judged by `run` alone.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.strays == 0
            && self.sequences.refused == 0
            && self.forged.accepted == 0
            && !self.forged.changed
            && self.acks.lost == 0
            && self.stray_is_seen
            && self.let_in_unsigned > 0
            && self.hasty.lost > 0
    }

    /// The time within which 99 of 100 letters were answered.
    #[must_use]
    pub fn p99(&self) -> Duration {
        let mut took = self.sequences.took.clone();
        took.sort_unstable();
        took.get(took.len().saturating_mul(99) / 100).copied().unwrap_or_default()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (told, forged) = (&self.sequences, &self.forged);
        writeln!(
            f,
            "  orders: {} calls, {} letters, {} refused; {} calls ended otherwise or twice",
            told.told, told.letters, told.refused, self.strays
        )?;
        writeln!(f, "  answered within {} ms (p99 of {})", self.p99().as_millis(), told.took.len())?;
        writeln!(
            f,
            "  forged: {} brought in {} ways, {} accepted; {} replayed; rows changed: {}",
            forged.sent,
            Trick::ALL.iter().filter(|trick| trick.due() == Due::Refusal).count(),
            forged.accepted,
            forged.replayed,
            if forged.changed { "yes" } else { "none" }
        )?;
        writeln!(
            f,
            "  kill -9 at the answer: {} answered, {} kills, {} lost",
            self.acks.answered, self.acks.kills, self.acks.lost
        )?;
        write!(
            f,
            "  controls: a tampered call seen: {}; unsigned telephone let in {}; answering before the commit lost {} of {}; \
             took {} s",
            self.stray_is_seen,
            self.let_in_unsigned,
            self.hasty.lost,
            self.hasty.answered,
            self.took.as_secs()
        )
    }
}

/// Brings up a database and a town of its own, tries, and reports.
///
/// # Errors
/// When a promise was broken or a missing protection was not noticed; the text is the report all the same.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let plan = Plan {
        forgeries: args.forgeries,
        sequences: args.sequences,
        acks: args.acks,
        kills: args.kills,
        seed: args.seed,
    };
    let findings = measure(std::env::current_exe().map_err(Broken::of)?, &plan).await?;
    let report = format!("hooks, seed {} ({})\n{findings}", args.seed, machine());
    let in_time = findings.p99() <= ANSWER_WITHIN;
    if findings.hold() && in_time { Ok(report) } else { Err(Broken(report)) }
}

/// Tries everything; `program` is the one whose `serve` is killed.
///
/// # Errors
/// When the run could not be made; what was found is no error here.
pub async fn measure(program: PathBuf, plan: &Plan) -> Result<Findings, Broken> {
    let people =
        TownPlan::read(&format!("people: [{{name: Engaged, number: \"{}\", picks_up: busy}}]", orders::ENGAGED))
            .map_err(Broken::of)?;
    let ground = TownGround::open(program, people).await?;
    let began = Instant::now();
    let done = on(&ground, plan).await;
    ground.leave().await;
    let mut findings = done?;
    findings.took = began.elapsed();
    Ok(findings)
}

async fn on(ground: &TownGround, plan: &Plan) -> Result<Findings, Broken> {
    let mut findings = Findings::default();
    let stage = Stage::open(ground, ground.app().await?).await?;
    let served = ground.serve(stage.app.clone()).await?;
    findings.sequences = stage.tell_orders(plan.sequences, plan.seed).await?;
    findings.strays = stage.strays().await?;
    findings.stray_is_seen = stage.a_stray_is_seen().await?;
    findings.forged = stage.try_forgeries(plan.forgeries, plan.seed).await?;
    served.end().await;
    findings.let_in_unsigned = stage.try_unsigned(plan.seed).await?;
    let mut hasty = controls::Hasty::open(ground, stage.app.clone()).await?;
    findings.hasty = stage.count_acks((120, 6), &mut hasty).await?;
    hasty.end().await;
    let mut child = Child { ground, running: Some(ground.start(&["--no-work"]).await?) };
    findings.acks = stage.count_acks((plan.acks, plan.kills), &mut child).await?;
    stage.app.db.close().await;
    Ok(findings)
}

/// The product in a process of its own.
struct Child<'a> {
    ground: &'a TownGround,
    running: Option<Running>,
}

impl Door for Child<'_> {
    async fn open_again(&mut self) -> Result<(), Broken> {
        if let Some(running) = self.running.take() {
            running.crash().await?;
        }
        self.running = Some(self.ground.start(&["--no-work"]).await?);
        Ok(())
    }
}
