//! A fuse before a provider that keeps failing: after five failures within ten seconds nothing is asked for a while,
//! so that a nurse sees the passages at once instead of waiting out a time limit with every question.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many failures blow the fuse.
const FAILURES: usize = 5;
/// Within what time.
const WINDOW: Duration = Duration::from_secs(10);
/// How long nothing is asked afterwards.
const REST: Duration = Duration::from_secs(10);

/// The fuse. It runs by the machine's time: it guards a wire, not a patient's clock.
#[derive(Default)]
pub(super) struct Breaker {
    failures: Mutex<VecDeque<Instant>>,
}

impl Breaker {
    /// Whether the provider may be asked.
    pub(super) fn is_closed(&self, now: Instant) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let is_blown =
            failures.len() >= FAILURES && failures.back().is_some_and(|newest| now.duration_since(*newest) < REST);
        !is_blown
    }

    /// Remembers how a request ended. A success mends the fuse.
    pub(super) fn note<T, E>(&self, outcome: &Result<T, E>, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if outcome.is_ok() {
            failures.clear();
            return;
        }
        failures.retain(|at| now.duration_since(*at) < WINDOW);
        failures.push_back(now);
    }
}
