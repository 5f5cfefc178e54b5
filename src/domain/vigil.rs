//! Whether the ward still hears: somebody has spoken for a while and no words came. For the listener of a leg, which then
//! asks its engine again, and for the nurse, who must know that nothing is being written.

use chrono::{DateTime, TimeDelta, Utc};

/// How long words may be owed.
pub const PATIENCE: TimeDelta = TimeDelta::seconds(3);
/// Voice for which words are owed, in milliseconds: less may be a cough or a sigh.
pub const LEAST_VOICE_MS: u64 = 1_000;
/// Silence after which so little voice is owed nothing, in milliseconds.
const CALM_MS: u64 = 1_000;

/// The watch over one leg. Time comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vigil {
    /// When the voice began for which words are owed.
    owed_since: Option<DateTime<Utc>>,
    voice_ms: u64,
    calm_ms: u64,
}

impl Vigil {
    /// Somebody spoke for so long.
    pub fn note_voice(&mut self, milliseconds: u64, now: DateTime<Utc>) {
        let _since = self.owed_since.get_or_insert(now);
        self.voice_ms = self.voice_ms.saturating_add(milliseconds);
        self.calm_ms = 0;
    }

    /// Nobody spoke for so long.
    pub fn note_silence(&mut self, milliseconds: u64) {
        self.calm_ms = self.calm_ms.saturating_add(milliseconds);
        if self.calm_ms >= CALM_MS && self.voice_ms < LEAST_VOICE_MS {
            *self = Self::default();
        }
    }

    /// Words came: nothing is owed.
    pub fn note_words(&mut self) {
        *self = Self::default();
    }

    /// The engine was asked again: it gets as much time as the one before.
    pub fn begin_again(&mut self, now: DateTime<Utc>) {
        if let Some(since) = &mut self.owed_since {
            *since = now;
        }
    }

    /// Whether words are owed for too long.
    #[must_use]
    pub fn is_blind(&self, now: DateTime<Utc>) -> bool {
        self.voice_ms >= LEAST_VOICE_MS && self.owed_since.is_some_and(|since| now - since >= PATIENCE)
    }
}
