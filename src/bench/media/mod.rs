//! The media gateway in numbers: how many legs are heard in time and without loss, what a frame and an idle leg cost, whether
//! memory grows or stays behind, and how soon words are on a page. Load and product are processes of their own on loopback.

pub mod legs;
pub mod product;
mod stage;
mod stopwatch;
mod words;

use super::{Broken, machine, town_ground::MODEL_KEY};
use crate::simulator::speech::Conduct;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use stage::{Product, Stage};
use std::{
    fmt::{self, Write},
    path::PathBuf,
    time::Duration,
};
use tokio::time::sleep;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// So many legs; 0 is as many as are heard in time, found by doubling and halving.
    #[arg(long, default_value_t = 0)]
    legs: u32,
    /// How long that many are held.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// How long a try takes while the number is looked for.
    #[arg(long, default_value_t = 15.0)]
    try_seconds: f64,
    /// The most legs that are tried.
    #[arg(long, default_value_t = 3_600)]
    most: u32,
    /// Who hears them: nobody (what is measured is the way there), tones (the offline engine), town (a speech server).
    #[arg(long, value_enum, default_value_t = Hears::Nobody)]
    hears: Hears,
    /// Sentences whose way to a page is timed, for each engine.
    #[arg(long, default_value_t = 40)]
    sentences: u32,
    /// Idle legs whose memory is looked at.
    #[arg(long, default_value_t = 200)]
    idle: u32,
}

/// Who hears the legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Hears {
    /// An engine that takes everything and says nothing.
    Nobody,
    /// The offline engine.
    Tones,
    /// The town's speech server, by Deepgram's wire.
    Town,
}

/// What is wrong with the product on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flaw {
    /// Nothing.
    Nothing,
    /// One of a hundred frames is lost at the ear; a detector that does not notice detects nothing.
    LosesFrames,
}

/// A frame must be taken this soon after it was due (p99), in microseconds.
const IN_TIME_MICROS: u64 = 20_000;
/// What a core must hear.
const LEGS_A_CORE: u64 = 1_200;
/// What a frame may cost, in microseconds of a processor.
const MOST_MICROS_A_FRAME: f64 = 15.0;
/// How often PostgreSQL may be asked for a leg in a second: chunks of the recording, and streams that beat together.
const MOST_TRANSACTIONS: f64 = 1.0;
/// What an idle leg may cost, in KiB.
const MOST_KIB_A_LEG: f64 = 64.0;
/// How much memory may grow while the load is the same, and stay behind when it comes again, in thousandths.
const MOST_GROWTH_THOUSANDTHS: i64 = 10;
/// Words must be on a page this soon (p95), beside the engine's own delay.
const WORDS_WITHIN: Duration = Duration::from_millis(300);
/// How long the town's engine thinks before each message, where it thinks; shorter than a word, so that no thoughts pile up.
const ENGINE_THINKS: Duration = Duration::from_millis(40);
/// How often it thinks between the end of a sentence and its final words: over the last word, and over the whole.
const THOUGHTS: u32 = 2;
/// How long a new load settles before anything counts.
const TO_SETTLE: Duration = Duration::from_secs(4);
/// How long idle legs are looked at: more than two chunks of their recordings.
const IDLE_FOR: Duration = Duration::from_secs(12);
/// What legs say that do.
const SAYS: &str = "My breathing is worse at night and I cannot sleep lying down";

/// One load that was held.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Legs at once.
    pub legs: u32,
    /// Frames sent over the whole load.
    pub sent: u64,
    /// Frames the record says were heard.
    pub heard: u64,
    /// Frames the record says were lost.
    pub lost: u64,
    /// Legs that were cut off, or whose end is not in the record.
    pub broken: u64,
    /// Delays while it was measured, in microseconds: p50, p99, p999.
    pub delays: (u64, u64, u64),
    /// Microseconds of a processor for a frame.
    pub micros_a_frame: f64,
    /// How late the load itself was at worst, and how much of a core it took, in thousandths.
    pub load: (u64, u64),
    /// Transactions of PostgreSQL for each leg and second; a leg has fifty frames in that time.
    pub transactions: f64,
    /// Memory at the beginning and at the end of what was measured, in KiB.
    pub rss_kib: (u64, u64),
}

impl Held {
    /// Whether every frame that was sent was heard.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.sent > 0 && self.sent == self.heard && self.lost == 0 && self.broken == 0
    }

    const fn is_in_time(&self) -> bool {
        self.is_whole() && self.delays.1 < IN_TIME_MICROS
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, p999) = self.delays;
        write!(
            f,
            "{} legs: delay p50 {:.1}, p99 {:.1}, p99.9 {:.1} ms; {} of {} frames heard, {} lost, {} legs broken; {:.1} us a \
             frame; {:.2} transactions a leg and second; memory {} to {} MiB; the load itself was {} ms late at worst and took \
             {} % of a core",
            self.legs,
            millis(p50),
            millis(p99),
            millis(p999),
            self.heard,
            self.sent,
            self.lost,
            self.broken,
            self.micros_a_frame,
            self.transactions,
            self.rss_kib.0 / 1024,
            self.rss_kib.1 / 1024,
            self.load.0 / 1_000,
            self.load.1 / 10
        )
    }
}

/// Measures everything and judges it.
///
/// # Errors
/// When a promise does not hold here; the text is the report all the same.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let stage = Stage::open(std::env::current_exe().map_err(Broken::of)?).await?;
    let told = on(&stage, args).await;
    stage.ground.leave().await;
    let (report, broken) = told?;
    if broken.is_empty() { Ok(report) } else { Err(Broken(format!("{report}\n  not kept: {}", broken.join("; ")))) }
}

async fn on(stage: &Stage, args: &Args) -> Result<(String, Vec<String>), Broken> {
    let mut report = format!("media ({}), heard by {:?}", machine(), args.hears);
    let mut broken = Vec::new();
    let mut judge = |report: &mut String, line: String, holds: bool| {
        let _written = write!(report, "\n  {} {line}", if holds { "ok  " } else { "NOT " });
        if !holds {
            broken.push(line);
        }
    };
    let mut product = start(stage, args.hears, Flaw::Nothing).await?;
    let (kib, drained) = idle(stage, &mut product, args.idle).await?;
    judge(&mut report, format!("an idle leg costs {kib:.1} KiB of memory (64)"), kib <= MOST_KIB_A_LEG);
    judge(
        &mut report,
        format!("memory under the same load again: {drained:+} thousandths (10)"),
        drained <= MOST_GROWTH_THOUSANDTHS,
    );
    let legs = if args.legs > 0 { args.legs } else { find(stage, &mut product, args, &mut report).await? };
    let held = hold(stage, &mut product, ("h", legs), SAYS, Duration::from_secs_f64(args.minutes * 60.0)).await?;
    product.leave().await;
    judge(&mut report, held.to_string(), held.is_in_time());
    judge(
        &mut report,
        format!("a frame costs {:.1} us (15)", held.micros_a_frame),
        held.micros_a_frame <= MOST_MICROS_A_FRAME,
    );
    let asked = held.transactions;
    judge(
        &mut report,
        format!("PostgreSQL is asked {asked:.2} times a leg and second (1)"),
        asked <= MOST_TRANSACTIONS,
    );
    let a_core = legs_a_core(held.micros_a_frame);
    let in_time = held.is_in_time() && a_core >= LEGS_A_CORE;
    judge(&mut report, format!("{a_core} legs for each core the product used (1200)"), in_time);
    let growth = thousandths(held.rss_kib.0, held.rss_kib.1);
    judge(&mut report, format!("memory over the run: {growth:+} thousandths (10)"), growth <= MOST_GROWTH_THOUSANDTHS);
    for (hears, thinks) in [(Hears::Tones, Duration::ZERO), (Hears::Town, Duration::ZERO), (Hears::Town, ENGINE_THINKS)]
    {
        let p95 = words_of(stage, hears, thinks, args.sentences).await?;
        let bound = WORDS_WITHIN + thinks * THOUGHTS;
        let line = format!(
            "last voiced frame to final words at the page, {hears:?} thinking for {} ms: p95 {} ms ({})",
            thinks.as_millis(),
            p95.as_millis(),
            bound.as_millis()
        );
        judge(&mut report, line, p95 <= bound);
    }
    Ok((report, broken))
}

/// The most legs that are heard in time: doubled until they are not, then halved between.
async fn find(stage: &Stage, product: &mut Product, args: &Args, report: &mut String) -> Result<u32, Broken> {
    let held_for = Duration::from_secs_f64(args.try_seconds);
    let (mut good, mut bad) = (0_u32, args.most.saturating_add(1));
    let mut next = 100.min(args.most);
    let mut round = 0;
    while bad - good > good / 20 + 1 {
        round += 1;
        let held = hold(stage, product, (&format!("f{round}r"), next), SAYS, held_for).await?;
        let _written = write!(report, "\n       try: {held}");
        if held.is_in_time() {
            good = next;
        } else {
            bad = next;
        }
        next = if bad > args.most { (good * 2).min(args.most) } else { good.midpoint(bad) };
        if good == args.most {
            break;
        }
    }
    Ok(good.max(1))
}

/// Holds so many legs and measures while they speak.
async fn hold(
    stage: &Stage,
    product: &mut Product,
    (round, legs): (&str, u32),
    says: &str,
    held_for: Duration,
) -> Result<Held, Broken> {
    let mut load = stage.load(round, legs, says).await?;
    sleep(TO_SETTLE).await;
    load.mark().await?;
    product.begin().await?;
    let committed = stage.transactions().await?;
    let (cpu, rss) = (product.cpu_micros(), product.rss_kib());
    sleep(held_for).await;
    let shown = product.shown().await?;
    let (cpu, rss) = (product.cpu_micros().saturating_sub(cpu), (rss, product.rss_kib()));
    let committed = stage.transactions().await?.saturating_sub(committed);
    let sent = load.stop().await?;
    let (heard, lost, unended) = stage.recorded(round).await?;
    let held_micros = u64::try_from(held_for.as_micros()).unwrap_or(u64::MAX).max(1);
    Ok(Held {
        legs,
        sent: sent.frames,
        heard,
        lost,
        broken: u64::from(sent.cut).saturating_add(unended),
        delays: (shown.p50, shown.p99, shown.p999),
        micros_a_frame: ratio(cpu, shown.frames),
        load: (sent.latest, sent.cpu_micros.saturating_mul(1_000) / held_micros),
        // Fifty frames are a second of a leg.
        transactions: ratio(committed.saturating_mul(50), shown.frames),
        rss_kib: rss,
    })
}

/// What an idle leg costs in KiB, and by how many thousandths memory is more when the same load comes for a second time: what
/// the first one left behind and cannot be used again.
async fn idle(stage: &Stage, product: &mut Product, legs: u32) -> Result<(f64, i64), Broken> {
    // A few legs first, so that what a process needs once is there.
    let _warm = hold(stage, product, ("w", 8), SAYS, Duration::from_secs(2)).await?;
    let before = product.rss_kib();
    let first = hold(stage, product, ("i", legs), "", IDLE_FOR).await?;
    let again = hold(stage, product, ("j", legs), "", IDLE_FOR).await?;
    let grown = first.rss_kib.1.saturating_sub(before);
    Ok((ratio(grown, u64::from(legs)), thousandths(first.rss_kib.1, again.rss_kib.1)))
}

/// The time within which 95 of 100 sentences are on the page.
async fn words_of(stage: &Stage, hears: Hears, thinks: Duration, sentences: u32) -> Result<Duration, Broken> {
    let conduct = if thinks.is_zero() { Conduct::Well } else { Conduct::Thinks(thinks) };
    stage.ground.town.speech().conduct_always(conduct);
    let product = start(stage, hears, Flaw::Nothing).await?;
    let round = format!("s{hears:?}{}", thinks.as_millis()).to_lowercase();
    let took = words::measure(stage, &round, sentences).await;
    product.leave().await;
    let mut took = took?;
    took.sort_unstable();
    Ok(took.get(took.len().saturating_mul(95) / 100).or(took.last()).copied().unwrap_or_default())
}

async fn start(stage: &Stage, hears: Hears, flaw: Flaw) -> Result<Product, Broken> {
    let heard_by = match hears {
        Hears::Nobody | Hears::Tones => Vec::new(),
        Hears::Town => vec![
            ("CARELINE_SPEECH", "deepgram".to_owned()),
            ("CARELINE_SPEECH_URL", format!("{}/v1", stage.ground.town.base_url())),
            ("CARELINE_SPEECH_KEY", MODEL_KEY.to_owned()),
        ],
    };
    stage.product(product::Orders { hears, flaw }, heard_by).await
}

/// A reduced run for a test: a load of so many legs for so long, by a product with a flaw, and how soon words are on a page.
///
/// # Errors
/// When it could not be made.
pub async fn measure(program: PathBuf, legs: u32, held_for: Duration, flaw: Flaw) -> Result<(Held, usize), Broken> {
    let stage = Stage::open(program).await?;
    let tried = async {
        let mut product = start(&stage, Hears::Tones, flaw).await?;
        let held = hold(&stage, &mut product, ("t", legs), SAYS, held_for).await?;
        // Where frames are lost, so are words; what is awaited then never comes.
        let shown = match flaw {
            Flaw::Nothing => words::measure(&stage, "u", stage::PAIRS).await?.len(),
            Flaw::LosesFrames => 0,
        };
        product.leave().await;
        Ok((held, shown))
    };
    let tried = tried.await;
    stage.ground.leave().await;
    tried
}

/// The monotonic clock, which all processes of a machine share (`clock_gettime(2)`), in nanoseconds.
fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

fn legs_a_core(micros_a_frame: f64) -> u64 {
    // Fifty frames a second of each leg. Whole legs are meant.
    let a_second = Duration::from_secs_f64((micros_a_frame * 50.0 / 1_000_000.0).max(1e-9));
    u64::try_from(Duration::from_secs(1).as_nanos() / a_second.as_nanos().max(1)).unwrap_or(u64::MAX)
}

fn ratio(of: u64, to: u64) -> f64 {
    let small = |number: u64| {
        f64::from(u32::try_from(number / 1_000).unwrap_or(u32::MAX)) * 1_000.0
            + f64::from(u32::try_from(number % 1_000).unwrap_or(0))
    };
    small(of) / small(to.max(1))
}

fn thousandths(before: u64, after: u64) -> i64 {
    let signed = |kib: u64| i64::try_from(kib).unwrap_or(i64::MAX / 1_000);
    (signed(after) - signed(before)) * 1_000 / signed(before).max(1)
}

fn millis(micros: u64) -> f64 {
    ratio(micros, 1_000)
}
