//! Promise 2, one attempt, one ring, under fire (P4, P5, P6): processes that dial are killed at every step and at random, the
//! database server too, while the carrier answers late, twice, wrongly or not at all. What rang is read from the carrier's
//! own book.

mod clock;
mod crew;
mod oracle;
mod retry;
mod round;
mod stage;
mod trials;
mod worker;

pub use oracle::Tally;
pub use round::{Method, Outcome, Round, Sweeps};
pub use stage::{People, Stage};
pub use trials::{late, storm};
pub use worker::run as work;

use super::{Broken, machine};
use std::fmt::Write;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// What is tried.
    #[arg(long, value_enum, default_value_t = Trial::Storm)]
    trial: Trial,
    /// How many calls.
    #[arg(long, default_value_t = 2_500)]
    calls: usize,
    /// How many processes are killed.
    #[arg(long, default_value_t = 1_000)]
    kills: u32,
    /// How many processes work.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// How often the database server is killed.
    #[arg(long, default_value_t = 0)]
    database_kills: u32,
    /// Take a protection away: the run must then find what it looks for.
    #[arg(long, value_enum)]
    control: Option<Control>,
    /// Where the choices begin.
    #[arg(long, default_value_t = 20_261_121)]
    seed: u64,
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Trial {
    /// Everything at once (P4).
    Storm,
    /// Each point alone (P5).
    Points,
    /// A carrier that accepts long after anybody waits (P6).
    Late,
}

/// A protection that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Control {
    /// A plain queue that tries again, instead of attempts: it must ring twice.
    Retry,
    /// Nobody looks for surplus rings: some must escape.
    NoSweep,
}

/// Runs the trial on a stage of its own.
///
/// # Errors
/// When a promise was broken, a control found nothing, or the run could not be made; the text is the report all the same.
pub async fn run(args: &Args) -> Result<String, Broken> {
    if args.workers < 2 || args.calls < 2 {
        return Err(Broken::of("--workers and --calls: at least two of each"));
    }
    let program = std::env::current_exe().map_err(Broken::of)?;
    let mut stage = Stage::set(program).await?;
    let done = on(&mut stage, args).await;
    stage.leave().await;
    done
}

async fn on(stage: &mut Stage, args: &Args) -> Result<String, Broken> {
    let mut says = format!("chaos, seed {} ({})\n", args.seed, machine());
    let mut holds = true;
    for (name, round, judge) in rounds(args) {
        let outcome = round::run(stage, &round).await?;
        let kept = judge.holds(&outcome, &round);
        holds &= kept;
        let verdict = if kept { "holds" } else { "BROKEN" };
        let _written = writeln!(
            says,
            "  {name}: {verdict} in {} s\n    {}\n    {} killed ({}), the database {} times",
            outcome.took.as_secs(),
            outcome.tally,
            outcome.killed(),
            outcome.places(),
            outcome.database_kills
        );
    }
    if holds { Ok(says) } else { Err(Broken(says)) }
}

fn rounds(args: &Args) -> Vec<(String, Round, Judge)> {
    let storm = || {
        let mut round = trials::storm(args.calls, args.kills, args.workers, args.seed);
        round.database_kills = args.database_kills;
        round
    };
    match (args.control, args.trial) {
        (Some(Control::Retry), _) => {
            let round = Round { method: Method::Retry, ..storm() };
            vec![("a plain queue that tries again rings twice".to_owned(), round, Judge::Duplicates)]
        }
        (Some(Control::NoSweep), _) => {
            let round = Round { method: Method::Careline(Sweeps::Off), ..late(args.calls, args.workers, args.seed) };
            vec![("without sweeps surplus rings escape".to_owned(), round, Judge::Escapes)]
        }
        (None, Trial::Storm) => vec![("one attempt, one ring".to_owned(), storm(), Judge::Clean)],
        (None, Trial::Late) => {
            let round = late(args.calls, args.workers, args.seed);
            vec![("a carrier that accepts long after".to_owned(), round, Judge::Caught)]
        }
        (None, Trial::Points) => trials::points(args.workers, args.seed),
    }
}

/// What a round must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// No surplus, nothing lost, nothing wrongly ended, and as many deaths as asked.
    Clean,
    /// Every surplus ring is ended or hung up unheard.
    Caught,
    /// The control: rings that are too many.
    Duplicates,
    /// The control: surplus rings that nobody ended.
    Escapes,
}

impl Judge {
    /// Whether the round shows it.
    #[must_use]
    pub fn holds(self, outcome: &Outcome, round: &Round) -> bool {
        match self {
            Self::Clean => {
                outcome.tally.is_clean()
                    && outcome.killed() >= round.kills
                    && outcome.database_kills == round.database_kills
            }
            Self::Caught => outcome.tally.is_caught() && outcome.killed() >= round.kills,
            Self::Duplicates => outcome.tally.surplus > 0,
            Self::Escapes => outcome.tally.escaped > 0,
        }
    }
}

/// Runs one round on a stage.
///
/// # Errors
/// When the round could not be made.
pub async fn play(stage: &mut Stage, round: &Round) -> Result<Outcome, Broken> {
    round::run(stage, round).await
}
