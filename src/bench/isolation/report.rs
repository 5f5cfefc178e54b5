//! What a run found, as figures and as a table for a person.

use super::{Control, FoundAt, Plan};
use crate::bench::machine;
use std::{fmt, process::Command, time::Duration};

/// One kind of attempt.
pub struct Run {
    /// What was tried.
    pub what: &'static str,
    /// How often.
    pub requests: u64,
    /// How often rows of the asker's own came back; a run that sees nothing proves nothing.
    pub own: u64,
    /// How often the database refused, or there was nothing to see by design.
    pub refused: u64,
    /// How long it took.
    pub took: Duration,
    /// How often something of another organization was seen or changed.
    pub leaks: u64,
    /// The first of these.
    pub first: Option<(u64, String)>,
}

impl Run {
    /// From counts.
    #[must_use]
    pub fn of(what: &'static str, found: &FoundAt, took: Duration) -> Self {
        let (requests, own, refused) = (found.done(), found.own(), found.refusals());
        Self { what, requests, own, refused, took, leaks: found.leaks(), first: found.first() }
    }

    /// How many a second.
    #[must_use]
    pub fn rate(&self) -> u64 {
        let milliseconds = self.took.as_millis().max(1);
        u64::try_from(u128::from(self.requests) * 1_000 / milliseconds).unwrap_or(u64::MAX)
    }

    /// Whether it saw enough of its own to have seen what is foreign: one in ten, where anything is to be seen.
    #[must_use]
    pub const fn saw_enough(&self) -> bool {
        self.own * 10 >= self.requests.saturating_sub(self.refused)
    }
}

/// Everything that was found.
pub struct Findings {
    /// What was tried.
    pub plan: Plan,
    /// How long founding took.
    pub founded_in: Duration,
    /// The runs.
    pub runs: Vec<Run>,
    /// The controls.
    pub controls: Vec<Control>,
}

impl Findings {
    /// Nothing yet.
    #[must_use]
    pub const fn of(plan: &Plan) -> Self {
        Self { plan: *plan, founded_in: Duration::ZERO, runs: Vec::new(), controls: Vec::new() }
    }

    /// Whether nothing leaked, every run saw its own rows, and every control was caught.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.runs.iter().all(|run| run.leaks == 0 && run.saw_enough())
            && self.controls.iter().all(|control| control.caught.is_some())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Agencies never meet: {} organizations, seed {}", self.plan.organizations, self.plan.seed)?;
        writeln!(f, "{}, commit {}, founded in {:.1} s", machine(), commit(), self.founded_in.as_secs_f64())?;
        writeln!(
            f,
            "\n{:<34} {:>9} {:>9} {:>9} {:>7} {:>6}",
            "tried", "requests", "saw own", "refused", "per s", "leaks"
        )?;
        for run in &self.runs {
            let (what, requests, own, refused) = (run.what, run.requests, run.own, run.refused);
            writeln!(f, "{what:<34} {requests:>9} {own:>9} {refused:>9} {:>7} {:>6}", run.rate(), run.leaks)?;
            if let Some((number, what)) = &run.first {
                writeln!(f, "  LEAK at {number}: {what}")?;
            }
            if !run.saw_enough() {
                writeln!(f, "  BLIND: it hardly saw rows of its own, so it proves nothing")?;
            }
        }
        writeln!(f, "\n{:<58} caught at", "control: what was taken away")?;
        for control in &self.controls {
            match &control.caught {
                Some((number, what)) => writeln!(f, "{:<58} {number}\n  {what}", control.what)?,
                None => writeln!(f, "{:<58} NOT CAUGHT in {}", control.what, control.most)?,
            }
        }
        write!(f, "\n{}", if self.hold() { "holds" } else { "DOES NOT HOLD" })
    }
}

fn commit() -> String {
    let asked = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().ok();
    let known = asked.filter(|output| output.status.success());
    known.map_or_else(|| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
