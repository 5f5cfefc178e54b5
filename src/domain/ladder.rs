//! The ladder of refused tries: the more in a row, the longer the wait; never for good, because who locks an account for
//! good has locked a nurse out.

use chrono::{DateTime, TimeDelta, Utc};

/// From so many refused tries on a success is worth a letter.
pub const UNUSUAL: i32 = 10;

/// Where an account stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// Refused tries since the last success.
    pub failures: i32,
    /// Until when nobody may try.
    pub locked_until: Option<DateTime<Utc>>,
}

/// Whether a try may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// It may. It already counts as refused: only a success takes it back, so tries made at once cannot all slip through.
    Open(Ladder),
    /// It may not; nothing is compared and nothing is counted.
    Locked(Ladder),
}

impl Ladder {
    /// Takes one try.
    #[must_use]
    pub fn climb(self, now: DateTime<Utc>) -> Try {
        if self.locked_until.is_some_and(|until| now < until) {
            return Try::Locked(self);
        }
        let failures = self.failures.saturating_add(1);
        Try::Open(Self { failures, locked_until: rest_after(failures).map(|rest| now + rest) })
    }
}

/// The wait after so many refused tries in a row; at most a quarter of an hour (OWASP ASVS 5.0, 6.3.1).
#[must_use]
pub const fn rest_after(failures: i32) -> Option<TimeDelta> {
    match failures {
        ..10 => None,
        10..15 => Some(TimeDelta::minutes(1)),
        15..20 => Some(TimeDelta::minutes(5)),
        20.. => Some(TimeDelta::minutes(15)),
    }
}
