//! `careline simulate month`: a month of a clinic in about a minute. The real product, its flows, jobs, webhooks and
//! adapters, serves invented people in the simulated town, while the town's clock jumps from one thing that is due to the
//! next. At the end the carrier's own book is held against what the product wrote down.

mod cast;
mod deeds;
mod diary;
mod drive;
mod facts;
mod stage;
mod verdict;

pub use deeds::{Closed, Silence};
pub use facts::{CallFact, Facts, Ring};
pub use verdict::{Verdict, judge};

use super::{Broken, machine};
use chrono::{DateTime, Utc};
use deeds::Deeds;
use diary::Span;
use drive::Drive;
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;
use stage::Stage;
use std::time::Instant;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// Where the choices begin: the same seed is the same month.
    #[arg(long, default_value_t = 20_261_121)]
    pub seed: u64,
    /// How many days, around the night in which the clocks go back.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=60))]
    pub days: i64,
    /// How many patients.
    #[arg(long, default_value_t = 400)]
    pub patients: usize,
    /// How many nurses.
    #[arg(long, default_value_t = 20)]
    pub nurses: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// A month that has passed.
#[derive(Clone, Debug)]
pub struct Month {
    /// What is known about it.
    pub facts: Facts,
    /// Seconds in which it was set up.
    pub setting_up: f64,
    /// Seconds in which it passed.
    pub passing: f64,
    /// How it passed.
    pub drive: Drive,
    /// Wishes that the product refused.
    pub refused: u64,
}

/// The report for a program.
#[derive(Serialize)]
struct Printed<'a> {
    seed: u64,
    days: i64,
    patients: usize,
    nurses: usize,
    seconds: f64,
    holds: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Lets a month pass and reports on it.
///
/// # Errors
/// When a promise was broken or the month could not be made; the text is the report all the same.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let month = Box::pin(play(args)).await?;
    let verdict = judge(&month.facts);
    let says = if args.json { as_json(args, &month, &verdict)? } else { as_words(args, &month, &verdict) };
    if verdict.holds() { Ok(says) } else { Err(Broken(says)) }
}

/// Lets a month pass on a stage of its own.
///
/// # Errors
/// When it could not be made.
pub async fn play(args: &Args) -> Result<Month, Broken> {
    if !(1..=cast::MOST_PATIENTS).contains(&args.patients) || !(1..=cast::MOST_NURSES).contains(&args.nurses) {
        let (patients, nurses) = (cast::MOST_PATIENTS, cast::MOST_NURSES);
        return Err(Broken(format!("choose 1 to {patients} --patients and 1 to {nurses} --nurses")));
    }
    let began = Instant::now();
    let mut dice = StdRng::seed_from_u64(args.seed);
    let span = Span::around_the_change(args.days);
    let patients = (0..args.patients).map(|at| cast::patient(&mut dice, at)).collect::<Result<Vec<_>, _>>()?;
    let diary = diary::of(&mut dice, span, &patients, args.nurses);
    let mut stage = Box::pin(Stage::set(span, patients, args.nurses)).await?;
    let setting_up = began.elapsed().as_secs_f64();
    let passed = Box::pin(pass(&mut stage, args, span, diary)).await;
    stage.leave().await;
    let (facts, drive, refused) = passed?;
    let passing = began.elapsed().as_secs_f64() - setting_up;
    Ok(Month { facts, setting_up, passing, drive, refused })
}

async fn pass(
    stage: &mut Stage,
    args: &Args,
    span: Span,
    diary: Vec<(DateTime<Utc>, diary::Event)>,
) -> Result<(Facts, Drive, u64), Broken> {
    let mut deeds = Deeds::new(args.seed, args.patients);
    deeds::usually(stage, args.seed)?;
    let drive = Box::pin(drive::through(stage, span, diary, &mut deeds)).await?;
    let refused = deeds.refused;
    let closed = deeds.all_closed(stage, span.begins());
    Ok((Facts::gather(stage, span, closed).await?, drive, refused))
}

fn as_words(args: &Args, month: &Month, verdict: &Verdict) -> String {
    let [jobs, carrier, rounds, people, learning] = month.drive.spent.map(|spent| spent.as_secs_f64());
    let holds = if verdict.holds() { "every promise was kept" } else { "A PROMISE WAS BROKEN" };
    format!(
        "a month of {} days, {} patients, {} nurses, seed {} ({})\n{verdict}  {holds}\n  set up in {:.1} s, passed in {:.1} s: \
         {} jumps of the clock, {} jobs; {} wishes were refused for a reason\n  of this jobs {jobs:.1} s, the carrier's requests \
         {carrier:.1} s, rounds {rounds:.1} s, people {people:.1} s, the database's own statistics {learning:.1} s\n",
        args.days,
        args.patients,
        args.nurses,
        args.seed,
        machine(),
        month.setting_up,
        month.passing,
        month.drive.jumps,
        month.drive.jobs,
        month.refused
    )
}

fn as_json(args: &Args, month: &Month, verdict: &Verdict) -> Result<String, Broken> {
    let printed = Printed {
        seed: args.seed,
        days: args.days,
        patients: args.patients,
        nurses: args.nurses,
        seconds: month.setting_up + month.passing,
        holds: verdict.holds(),
        verdict,
    };
    serde_json::to_string_pretty(&printed).map_err(Broken::of)
}
