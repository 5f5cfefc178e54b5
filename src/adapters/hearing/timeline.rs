//! Which moment of a leg a moment of an engine is. An engine counts the audio it got; a leg counts from its own beginning, and
//! frames of it may be missing.

use crate::domain::tones::{FRAME_MS, SAMPLES_PER_MS};
use std::collections::VecDeque;

/// Most places kept at which the two began to differ by something else.
const MOST_MARKS: usize = 256;
/// A difference that is no difference, in milliseconds.
const SLACK_MS: u64 = FRAME_MS;

/// The two times side by side.
#[derive(Default)]
pub struct Timeline {
    bytes: u64,
    /// A moment of the engine and the moment of the leg that it is, in milliseconds; the oldest first.
    marks: VecDeque<(u64, u64)>,
}

impl Timeline {
    /// So many bytes go to the engine that were spoken at this moment of the leg.
    pub fn note(&mut self, at_ms: u64, bytes: usize) {
        let engine_ms = self.bytes / SAMPLES_PER_MS;
        if self.marks.is_empty() || self.stream_ms(engine_ms).abs_diff(at_ms) >= SLACK_MS {
            if self.marks.len() == MOST_MARKS {
                let _oldest = self.marks.pop_front();
            }
            self.marks.push_back((engine_ms, at_ms));
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// So many bytes go to the engine that stand for what never arrived.
    pub fn note_silence(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The moment of the leg that is this moment of the engine.
    #[must_use]
    pub fn stream_ms(&self, engine_ms: u64) -> u64 {
        let mark = self.marks.iter().rev().find(|(engine, _)| *engine <= engine_ms).or_else(|| self.marks.front());
        match mark {
            Some((engine, stream)) => stream.saturating_add(engine_ms.saturating_sub(*engine)),
            None => engine_ms,
        }
    }
}
