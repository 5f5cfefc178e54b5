//! What a run counts while many work at it: how far it is, what was seen, and the first leak.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Counts of one run; a clone counts on.
#[derive(Clone, Default)]
pub struct FoundAt {
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    given: AtomicU64,
    done: AtomicU64,
    seen: AtomicU64,
    refused: AtomicU64,
    leaks: AtomicU64,
    first: Mutex<Option<(u64, String)>>,
    sooner: AtomicU64,
}

impl FoundAt {
    /// The number of the next request, from 1; `None` when the run is over. A run that only asks whether the detector
    /// bites stops at the first leak.
    #[must_use]
    pub fn next(&self, most: u64) -> Option<u64> {
        if self.counts.sooner.load(Ordering::Relaxed) > 0 && self.leaks() > 0 {
            return None;
        }
        let number = self.counts.given.fetch_add(1, Ordering::Relaxed) + 1;
        (number <= most).then_some(number)
    }

    /// Makes the run end at the first leak.
    #[must_use]
    pub fn until_the_first(self) -> Self {
        self.counts.sooner.store(1, Ordering::Relaxed);
        self
    }

    /// Something came back.
    pub fn seen(&self, own: bool) {
        self.counts.done.fetch_add(1, Ordering::Relaxed);
        self.counts.seen.fetch_add(u64::from(own), Ordering::Relaxed);
    }

    /// It was refused.
    pub fn refused(&self) {
        self.counts.done.fetch_add(1, Ordering::Relaxed);
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A row of another organization was seen or changed.
    pub fn leak(&self, number: u64, what: String) {
        self.counts.leaks.fetch_add(1, Ordering::Relaxed);
        let mut first = self.counts.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
            *first = Some((number, what));
        }
    }

    /// How many were done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.counts.done.load(Ordering::Relaxed)
    }

    /// How many came back with rows of the asker's own.
    #[must_use]
    pub fn own(&self) -> u64 {
        self.counts.seen.load(Ordering::Relaxed)
    }

    /// How many were refused.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.counts.refused.load(Ordering::Relaxed)
    }

    /// How many leaked.
    #[must_use]
    pub fn leaks(&self) -> u64 {
        self.counts.leaks.load(Ordering::Relaxed)
    }

    /// The first leak: the number of its request, and what was seen.
    #[must_use]
    pub fn first(&self) -> Option<(u64, String)> {
        self.counts.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
