//! The stopwatch: what the product promises in numbers, measured on this machine against a database of its own. Each
//! bench prints its seed, its counts and the machine, and ends with an error when a promise was broken.

pub mod audit;
pub mod bridged;
pub mod chaos;
pub mod files;
pub mod ground;
pub mod hooks;
pub mod isolation;
pub mod keys;
pub mod media;
pub mod month;
pub mod passwords;
mod record_ground;
pub mod schedule;
pub mod sign_in;
pub mod tampering;
pub mod town_ground;

use rand::{RngExt, rngs::StdRng};
use std::fmt;

/// Which bench.
#[derive(Clone, clap::Subcommand)]
pub enum Bench {
    /// The record: entries a second, chains without forks (P12), mutations found (P13).
    Audit(audit::Args),
    /// Kills of the product while people talk: no conference ends, and all are soon heard again (promise 1).
    Bridged(bridged::Args),
    /// One attempt, one ring: processes that dial are killed at every step, with a carrier that misbehaves (P4, P5, P6).
    Chaos(chaos::Args),
    /// One process of `chaos`; its orders come on standard input.
    #[command(hide = true)]
    ChaosWorker,
    /// Faults in stored files, all of which must be noticed (P20), and how fast files are sealed and opened.
    Files(files::Args),
    /// Webhooks: any order and number (P8), forged and replayed (P9), answered soon and only after the commit.
    Hooks(hooks::Args),
    /// Whether organizations ever meet: random statements and requests of many organizations, with ids swapped.
    Isolation(isolation::Args),
    /// A newer key takes over under load while the process that wraps anew is killed (P21).
    Keys(keys::Args),
    /// The media gateway: how many legs are heard in time, what a frame and a leg cost, how soon words are on a page (P11).
    Media(media::Args),
    /// The load of `media`; its orders come on standard input.
    #[command(hide = true)]
    MediaLegs,
    /// The product of `media`; its orders come on standard input.
    #[command(hide = true)]
    MediaProduct,
    /// How many passwords a second can be hashed here, and how long one takes.
    Passwords(passwords::Args),
    /// What claiming due work costs beside a million future calls, and how punctually due calls leave (P30).
    Schedule(schedule::Args),
    /// Whether the time of a refused sign-in tells who works here (P14).
    SignIn(sign_in::Args),
}

/// A bench could not be run, or a promise did not hold.
#[derive(Debug)]
pub struct Broken(pub String);

impl Broken {
    /// From whatever went wrong.
    pub fn of(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// Runs one bench; returns what it found, as lines for a person.
///
/// # Errors
/// When it could not be run, or a promise did not hold.
pub async fn run(bench: &Bench) -> Result<String, Broken> {
    match bench {
        Bench::Audit(args) => audit::run(args).await,
        Bench::Bridged(args) => bridged::run(args).await,
        Bench::Chaos(args) => chaos::run(args).await,
        Bench::ChaosWorker => Box::pin(chaos::work()).await,
        Bench::Files(args) => files::run(args).await,
        Bench::Hooks(args) => hooks::run(args).await,
        Bench::Isolation(args) => isolation::run(args).await,
        Bench::Keys(args) => keys::run(args).await,
        Bench::Media(args) => Box::pin(media::run(args)).await,
        Bench::MediaLegs => Box::pin(media::legs::run()).await,
        Bench::MediaProduct => Box::pin(media::product::run()).await,
        Bench::Passwords(args) => passwords::run(args).await,
        Bench::Schedule(args) => schedule::run(args).await,
        Bench::SignIn(args) => sign_in::run(args).await,
    }
}

/// The machine in a line: processors and load, so that figures can be compared.
#[must_use]
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    format!("{cores} cores, load {}, {build}", load.split(' ').next().unwrap_or("unknown"))
}

/// One of several, by chance; `None` of none.
fn pick<'a, T>(dice: &mut StdRng, several: &'a [T]) -> Option<&'a T> {
    several.get(dice.random_range(0..several.len().max(1)))
}

/// The middle value of times in microseconds; 0 of none.
#[must_use]
pub fn median(times: &mut [u64]) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0)
}
