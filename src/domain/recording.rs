//! Recordings: frames of a leg cut into chunks, and chunks of every leg laid out as one wave of two channels. What the
//! patient's side said is on the left, what our side said on the right.

use super::tones::{SAMPLES_PER_MS, SILENCE};
use audio_codec_algorithms::decode_ulaw;
use chrono::{DateTime, Utc};

/// Most samples of a chunk, and bytes, for a µ-law sample is one: five seconds. It is what a crash may lose.
pub const CHUNK_SAMPLES: usize = 40_000;
/// Samples that one peak stands for: a quarter of a second.
pub const PEAK_SAMPLES: usize = 2_000;

/// Milliseconds by which a frame may be later or earlier than the one before it ends: less than a frame.
const JITTER_MS: u64 = 19;
/// Milliseconds that may be missing within a chunk, as silence; more ends it, so that what is missing is seen.
const FILLED_MS: u64 = 80;

/// Whose voice a chunk carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// The patient's line, whoever speaks on it.
    Patient,
    /// A nurse.
    Nurse,
    /// Somebody who was asked in and has taken the call over.
    Others,
}

/// Which ear hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The patient's side.
    Left,
    /// Our side.
    Right,
}

impl Track {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Nurse => "nurse",
            Self::Others => "others",
        }
    }

    /// The track of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Patient, Self::Nurse, Self::Others].into_iter().find(|track| track.word() == word)
    }

    /// The track of a leg's party, as it is stored.
    #[must_use]
    pub fn of_party(party: &str) -> Self {
        match party {
            "patient" => Self::Patient,
            "nurse" => Self::Nurse,
            _ => Self::Others,
        }
    }

    /// Where it is heard.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::Patient => Side::Left,
            Self::Nurse | Self::Others => Side::Right,
        }
    }
}

/// A stretch of one leg without a hole.
pub struct Cut {
    /// Its first sample, in milliseconds of the stream.
    pub at_ms: u64,
    /// 8 kHz µ-law.
    pub ulaw: Vec<u8>,
}

impl Cut {
    /// The millisecond after its last sample.
    #[must_use]
    pub fn until_ms(&self) -> u64 {
        self.at_ms.saturating_add(millis(self.ulaw.len()))
    }
}

/// Cuts a leg's frames into chunks. A few frames that are missing become silence of exactly their length, more of them the end
/// of a chunk; memory stays at one chunk and one frame.
#[derive(Default)]
pub struct Cutter {
    at_ms: u64,
    ulaw: Vec<u8>,
}

impl Cutter {
    /// Takes a frame that begins at a millisecond of the stream; gives the chunk that is full or that it does not join.
    pub fn take(&mut self, at_ms: u64, frame: &[u8]) -> Option<Cut> {
        let mut full = None;
        if !self.ulaw.is_empty() {
            let expected_ms = self.at_ms.saturating_add(millis(self.ulaw.len()));
            let is_back = at_ms.saturating_add(JITTER_MS) < expected_ms;
            let missing_ms = Some(at_ms.saturating_sub(expected_ms)).filter(|late| *late > JITTER_MS).unwrap_or(0);
            let missing = usize::try_from(missing_ms.saturating_mul(SAMPLES_PER_MS)).unwrap_or(usize::MAX);
            let length = self.ulaw.len().saturating_add(missing);
            if is_back || missing_ms > FILLED_MS || length.saturating_add(frame.len()) > CHUNK_SAMPLES {
                full = self.finish();
            } else {
                self.ulaw.resize(length, SILENCE);
            }
        }
        if self.ulaw.is_empty() {
            self.at_ms = at_ms;
            // As much as a chunk holds and no more: growing by doubling would keep half as much again for every leg.
            self.ulaw.reserve_exact(CHUNK_SAMPLES);
        }
        self.ulaw.extend_from_slice(frame);
        if full.is_none() && self.ulaw.len() >= CHUNK_SAMPLES {
            return self.finish();
        }
        full
    }

    /// Gives what was begun.
    pub fn finish(&mut self) -> Option<Cut> {
        let ulaw = std::mem::take(&mut self.ulaw);
        (!ulaw.is_empty()).then_some(Cut { at_ms: self.at_ms, ulaw })
    }
}

/// How loud each quarter of a second of a chunk is at most, from 0 to 100.
#[must_use]
pub fn peaks(ulaw: &[u8]) -> Vec<i16> {
    let loudest = |quarter: &[u8]| quarter.iter().map(|code| decode_ulaw(*code).unsigned_abs()).max().unwrap_or(0);
    ulaw.chunks(PEAK_SAMPLES)
        .map(|quarter| {
            i16::try_from(u32::from(loudest(quarter)) * 100 / u32::from(i16::MAX.unsigned_abs())).unwrap_or(100)
        })
        .collect()
}

/// A stretch of a recording, in samples since its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first sample.
    pub from: u64,
    /// The sample after the last.
    pub to: u64,
}

impl Span {
    /// How many samples it has.
    #[must_use]
    pub const fn samples(self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// Whether both have a sample in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// The sample of an instant, of a recording that begins at another; what was before is its first.
#[must_use]
pub fn sample_at(zero: DateTime<Utc>, at: DateTime<Utc>) -> u64 {
    let micros = (at - zero).num_microseconds().unwrap_or(i64::MAX).max(0);
    u64::try_from(micros).unwrap_or(0).saturating_mul(SAMPLES_PER_MS) / 1_000
}

/// Seconds of so many samples, and its thousandths, such as `12.345`.
#[must_use]
pub fn seconds(samples: u64) -> String {
    let ms = samples / SAMPLES_PER_MS;
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// What is missing between the chunks of one leg, which are in the order they began.
#[must_use]
pub fn holes(chunks: &[Span]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut until = chunks.first().map_or(0, |first| first.to);
    for chunk in chunks {
        let hole = Span { from: until, to: chunk.from };
        if hole.samples() > FILLED_MS * SAMPLES_PER_MS {
            found.push(hole);
        }
        until = until.max(chunk.to);
    }
    found
}

fn millis(samples: usize) -> u64 {
    u64::try_from(samples).unwrap_or(u64::MAX) / SAMPLES_PER_MS
}
