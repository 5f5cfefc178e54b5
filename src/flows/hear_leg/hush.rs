//! Who is not to be listened to: a leg on hold or muted. Whoever does it in this process tells the ear as soon as it is
//! committed, before the next frame. An ear in another process learns it by the pulse of its stream; what it took in the
//! meantime is in doubt, and neither a word nor a chunk of that is kept.

use super::{Missed, Tally};
use crate::domain::{
    floor::{Hush, Hushing},
    tones::FRAME_MS,
};
use chrono::{DateTime, Utc};
use std::sync::{Mutex, PoisonError, atomic::Ordering::Relaxed};

/// Added to what is in doubt, in milliseconds: clocks of two processes differ a little, and audio is under way for a while.
const MARGIN_MS: u64 = 200;
/// How much is in doubt when more than one change was missed: an ear asks every second.
const AFTER_SEVERAL_MS: u64 = 3_000;
/// Stretches in doubt that are remembered; further ones grow the last.
const MOST_DOUBTS: usize = 16;

/// A stretch that nobody listens to, from a millisecond of the stream on.
#[derive(Clone, Copy)]
pub(super) struct Hushed {
    pub(super) why: Hush,
    pub(super) from_ms: u64,
}

impl Hushed {
    /// It is over.
    pub(super) fn until(self, to_ms: u64) -> Missed {
        Missed { from_ms: self.from_ms, to_ms, reason: self.why.into() }
    }
}

/// Stretches of a stream that were taken although nobody was to listen, or perhaps were.
#[derive(Default)]
pub(super) struct Doubts(Mutex<Vec<(u64, u64)>>);

impl Doubts {
    fn add(&self, from_ms: u64, to_ms: u64) {
        let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = doubts.len() >= MOST_DOUBTS;
        match doubts.last_mut() {
            Some(last) if is_full => *last = (last.0.min(from_ms), last.1.max(to_ms)),
            Some(_) | None => doubts.push((from_ms, to_ms)),
        }
    }

    fn meet(&self, from_ms: u64, to_ms: u64) -> bool {
        let doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.iter().any(|(from, to)| from_ms < *to && *from < to_ms)
    }
}

impl Tally {
    /// Learns from the database whether anybody may listen. What nobody here knew yet puts the last audio in doubt, which is
    /// written down before anything is judged by the news.
    pub(super) fn learn(&self, hushing: &Hushing, now: DateTime<Utc>) {
        let missed = hushing.revision.saturating_sub(self.quiet.revision());
        let is_end = missed == 1 && hushing.now.is_none();
        if missed > 0 && !is_end {
            let since = hushing.since.and_then(|since| u64::try_from((now - since).num_milliseconds()).ok());
            let least = if missed > 1 { AFTER_SEVERAL_MS } else { 0 };
            let late_ms = since.unwrap_or(0).saturating_add(MARGIN_MS).max(least);
            let last_ms = self.last_ms.load(Relaxed).saturating_add(FRAME_MS);
            self.doubts.add(last_ms.saturating_sub(late_ms), last_ms);
        }
        self.quiet.learn(hushing);
    }

    /// Whether nothing of a stretch may be kept.
    pub(super) fn is_in_doubt(&self, from_ms: u64, to_ms: u64) -> bool {
        self.doubts.meet(from_ms, to_ms)
    }
}
