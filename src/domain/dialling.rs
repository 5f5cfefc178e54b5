//! How dialling is bounded in time and number: leases, fences and sweeps by real time, the pace below the carrier's limit,
//! and the pause in which nobody is dialled.

use super::pace::Allowance;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// Bounds in real time. What is measured by business time (settling, clean lists, tails) stands beside the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long an intended attempt belongs to whoever wrote it; database time.
    pub intent_lease: Duration,
    /// How long an attempt that may be sent belongs to its dialler; database time. Longer than fence and reply together.
    pub dial_lease: Duration,
    /// A dialler that was held up longer than this between the permission and the dial does not dial; monotonic time.
    pub fence: Duration,
    /// How long a connection to the carrier may take.
    pub connect_within: Duration,
    /// How long the carrier may take to answer in all.
    pub reply_within: Duration,
    /// How long a claimed job belongs to its process; database time. Longer than the longest job.
    pub job_lease: Duration,
    /// Between two looks at the queue.
    pub look_every: Duration,
    /// Between two looks for attempts whose process died.
    pub lease_sweep_every: Duration,
    /// Between two looks for surplus rings of the last quarter of an hour.
    pub tail_sweep_every: Duration,
    /// Between two looks for surplus rings of the last day: the carrier queues for 24 h.
    pub wide_sweep_every: Duration,
    /// Between two looks for calls that nobody rings.
    pub missed_every: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            intent_lease: Duration::from_secs(30),
            dial_lease: Duration::from_secs(60),
            fence: Duration::from_secs(5),
            connect_within: Duration::from_secs(3),
            reply_within: Duration::from_secs(12),
            job_lease: Duration::from_secs(45),
            look_every: Duration::from_millis(150),
            lease_sweep_every: Duration::from_secs(5),
            tail_sweep_every: Duration::from_secs(15),
            wide_sweep_every: Duration::from_secs(3_600),
            missed_every: Duration::from_secs(60),
        }
    }
}

/// How fast telephones are rung. Each draw is one dial of a patient; a nurse is rung at once and paid for afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Dials from one caller number.
    pub of_number: Allowance,
    /// Dials of one organization.
    pub of_organization: Allowance,
}

/// Dials a minute that the carrier's usual limit of one a second bears, jitter included.
pub const USUAL_PER_MINUTE: u32 = 50;

impl Rate {
    /// So many a minute, one at a time.
    #[must_use]
    pub const fn per_minute(of_number: u32, of_organization: u32) -> Self {
        Self { of_number: steady(of_number), of_organization: steady(of_organization) }
    }
}

const fn steady(per_minute: u32) -> Allowance {
    Allowance { burst: 1, per_hour: per_minute.saturating_mul(60) }
}

impl Default for Rate {
    fn default() -> Self {
        Self::per_minute(USUAL_PER_MINUTE, USUAL_PER_MINUTE)
    }
}

/// How dialling is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialling {
    /// In time.
    pub timings: Timings,
    /// In number.
    pub rate: Rate,
}

/// Why nobody is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// The operator asked for it.
    Operator,
    /// The database is not the one that was dialled from before: it was restored or moved.
    Restored,
}

impl PauseReason {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::Operator, Self::Restored];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Restored => "restored",
        }
    }

    /// The reason of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// What a person reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Operator => "the operator paused it",
            Self::Restored => "the database was restored or moved, so calls made meanwhile may be missing from it",
        }
    }
}

/// A pause in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub why: PauseReason,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A stretch of real time as one of business time, which goes as fast.
#[must_use]
pub fn stretch(length: Duration) -> TimeDelta {
    TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX)
}
