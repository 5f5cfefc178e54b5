//! The machine's own clock, for every installation that serves real people.

use crate::ports::clock::Clock;
use chrono::{DateTime, Utc};

/// Reads the machine's clock, in UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the adapter through which everything else gets the time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
