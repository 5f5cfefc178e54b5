//! Hastened time for the processes of a run: the same for all of them and the town, without asking anybody.

use crate::{adapters::system_clock::SystemClock, ports::clock::Clock};
use chrono::{DateTime, TimeDelta, Utc};

/// Began with the machine's time, and goes so many times as fast.
#[derive(Clone, Copy, Debug)]
pub struct HastenedClock {
    /// When.
    pub began: DateTime<Utc>,
    /// Times as fast.
    pub pace: u32,
}

impl Clock for HastenedClock {
    fn now(&self) -> DateTime<Utc> {
        let flown = SystemClock.now() - self.began;
        let pace = i32::try_from(self.pace).unwrap_or(i32::MAX);
        self.began + flown.checked_mul(pace).unwrap_or(TimeDelta::MAX)
    }
}
