//! The town's one clock: it goes as fast as real time, or faster, and can be put forward, so that two weeks pass at once for
//! the product and the town together.

use crate::ports::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// A clock that flows and jumps. Share it in an `Arc`.
#[derive(Debug)]
pub struct VirtualClock {
    origin: DateTime<Utc>,
    started: Instant,
    /// How many times as fast as real time it flows.
    pace: u32,
    jumps: watch::Sender<Jumps>,
    /// For which instants somebody waits, and how many.
    alarms: Mutex<BTreeMap<DateTime<Utc>, usize>>,
    /// Told of every alarm that was let go of.
    let_go: Notify,
}

/// All jumps so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Jumps {
    version: u64,
    total: Duration,
}

impl VirtualClock {
    /// A clock that shows `origin` now.
    #[must_use]
    pub fn starting_at(origin: DateTime<Utc>) -> Self {
        Self::hastened(origin, 1)
    }

    /// A clock that shows `origin` now and flows so many times as fast as real time; at least as fast.
    #[must_use]
    pub fn hastened(origin: DateTime<Utc>, pace: u32) -> Self {
        let (pace, jumps) = (pace.max(1), watch::Sender::new(Jumps::default()));
        let (alarms, let_go) = (Mutex::new(BTreeMap::new()), Notify::new());
        Self { origin, started: Instant::now(), pace, jumps, alarms, let_go }
    }

    /// Puts the clock forward; everyone whose instant has come wakes. Returns the new time.
    pub fn advance(&self, by: Duration) -> DateTime<Utc> {
        self.jumps.send_modify(|jumps| {
            jumps.version += 1;
            jumps.total = jumps.total.saturating_add(by);
        });
        self.now()
    }

    /// The first instant for which somebody waits; it may have come a moment ago, when they have yet to wake.
    #[must_use]
    pub fn next_alarm(&self) -> Option<DateTime<Utc>> {
        self.alarms().keys().next().copied()
    }

    /// Waits until nobody is about to wake: every alarm whose instant has come was let go of.
    pub async fn roused(&self) {
        loop {
            let let_go = self.let_go.notified();
            tokio::pin!(let_go);
            // Registered before the look, so that a change between the two is not missed.
            let_go.as_mut().enable();
            if self.next_alarm().is_none_or(|alarm| alarm > self.now()) {
                return;
            }
            let_go.await;
        }
    }

    /// Sets an alarm. It counts among those somebody waits for from this call on until it is let go of, so whoever takes
    /// something in hand in between is never overlooked by somebody who drives the clock.
    pub fn alarm_at(&self, instant: DateTime<Utc>) -> Alarm<'_> {
        *self.alarms().entry(instant).or_default() += 1;
        Alarm { clock: self, at: instant }
    }

    /// How often the clock was put forward.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.jumps.borrow().version
    }

    /// Waits until the clock has been put forward more than `version` times.
    pub async fn jumped_after(&self, version: u64) {
        let mut jumps = self.jumps.subscribe();
        // The sender lives as long as the clock, so this cannot fail while anybody waits.
        let _ = jumps.wait_for(|jumps| jumps.version > version).await;
    }

    /// Waits until the clock shows `instant`, by flowing or by jumping.
    pub async fn sleep_until(&self, instant: DateTime<Utc>) {
        self.alarm_at(instant).rings().await;
    }

    /// Waits for a stretch of the town's time.
    pub async fn sleep(&self, for_: Duration) {
        self.sleep_until(later(self.now(), for_)).await;
    }

    fn alarms(&self) -> MutexGuard<'_, BTreeMap<DateTime<Utc>, usize>> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for an instant; whether they wake or give up, the alarm goes with them.
#[derive(Debug)]
#[must_use = "an alarm that is dropped wakes nobody"]
pub struct Alarm<'a> {
    clock: &'a VirtualClock,
    at: DateTime<Utc>,
}

impl Alarm<'_> {
    /// Waits until its instant has come, by flowing or by jumping.
    pub async fn rings(&self) {
        let mut jumps = self.clock.jumps.subscribe();
        while let Ok(left) = (self.at - self.clock.now()).to_std() {
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left / self.clock.pace) => {}
                _ = jumps.changed() => {}
            }
        }
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let mut alarms = self.clock.alarms();
        if let Some(count) = alarms.get_mut(&self.at) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                alarms.remove(&self.at);
            }
        }
        drop(alarms);
        self.clock.let_go.notify_waiters();
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        let flown = self.started.elapsed().saturating_mul(self.pace);
        later(self.origin, flown.saturating_add(self.jumps.borrow().total))
    }
}

/// `from` plus a stretch of time, stopping at the end of time.
pub(super) fn later(from: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by).ok().and_then(|by| from.checked_add_signed(by)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
