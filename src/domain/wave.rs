//! A recording as a WAVE file of two channels, 16 bits, 8 kHz (RIFF WAVE, format 1), and the part of it that a player asks
//! for. µ-law WAVE (format 7) is half as long, and not every browser plays it.

use super::{
    recording::{Side, Span},
    tones::SAMPLES_PER_SECOND,
};
use audio_codec_algorithms::decode_ulaw;
use std::fmt;

/// Bytes before the first sample.
pub const HEADER: u64 = 44;
/// Bytes of one moment: a sample for each ear.
pub const MOMENT: u64 = 4;

/// A wave of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wave {
    /// Samples of each channel.
    pub samples: u64,
}

/// What part of a file is wanted (RFC 9110, 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// From a byte on.
    From(u64),
    /// From a byte to another, both of them wanted.
    Between(u64, u64),
    /// The last so many bytes.
    Last(u64),
}

impl Wanted {
    /// Reads a `Range` header. What is not one range of bytes asks for the whole file, as the standard allows.
    #[must_use]
    pub fn read(header: &str) -> Self {
        let Some(range) = header.trim().strip_prefix("bytes=") else { return Self::Whole };
        let Some((from, to)) = range.split_once('-') else { return Self::Whole };
        match (from.trim().parse(), to.trim().parse()) {
            (Ok(from), Ok(to)) if from <= to => Self::Between(from, to),
            (Ok(from), Err(_)) if to.trim().is_empty() => Self::From(from),
            (Err(_), Ok(last)) if from.trim().is_empty() => Self::Last(last),
            (_, _) => Self::Whole,
        }
    }
}

impl fmt::Display for Wanted {
    /// As the record keeps it: `whole`, `44-`, `0-99`, `-7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::From(from) => write!(f, "{from}-"),
            Self::Between(from, to) => write!(f, "{from}-{to}"),
            Self::Last(count) => write!(f, "-{count}"),
        }
    }
}

impl Wave {
    /// Bytes of the whole file.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        HEADER.saturating_add(self.samples.saturating_mul(MOMENT))
    }

    /// The bytes that are wanted, as the first and the one after the last; `None` when there are no such bytes.
    #[must_use]
    pub fn part(self, wanted: Wanted) -> Option<(u64, u64)> {
        let all = self.bytes();
        let (from, to) = match wanted {
            Wanted::Whole => (0, all),
            Wanted::From(from) => (from, all),
            Wanted::Between(from, last) => (from, last.saturating_add(1).min(all)),
            Wanted::Last(count) => (all.saturating_sub(count), all),
        };
        (from < to).then_some((from, to))
    }

    /// The bytes before the first sample.
    #[must_use]
    pub fn header(self) -> Vec<u8> {
        header(2, self.samples)
    }
}

/// The bytes before the first sample of so many channels of linear samples, so many in each.
#[must_use]
pub fn header(channels: u16, samples: u64) -> Vec<u8> {
    let length = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let moment = channels.saturating_mul(2);
    let data = samples.saturating_mul(u64::from(moment));
    let rate = u32::try_from(SAMPLES_PER_SECOND).unwrap_or(0);
    let mut header = Vec::from(*b"RIFF");
    header.extend(length(data.saturating_add(HEADER - 8)));
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(channels.to_le_bytes());
    header.extend(rate.to_le_bytes());
    header.extend(rate.saturating_mul(u32::from(moment)).to_le_bytes());
    header.extend(moment.to_le_bytes());
    header.extend(16_u16.to_le_bytes());
    header.extend(b"data");
    header.extend(length(data));
    header
}

/// A chunk where it lies in the recording.
pub struct Placed<'a> {
    /// Which ear hears it.
    pub side: Side,
    /// Its first sample.
    pub from: u64,
    /// 8 kHz µ-law.
    pub ulaw: &'a [u8],
}

/// The moments of a span, 16 bits for each ear, low byte first. Where nothing lies it is silent; voices of one side that lie
/// upon each other are added.
#[must_use]
pub fn mix(span: Span, chunks: &[Placed<'_>]) -> Vec<u8> {
    let count = usize::try_from(span.samples()).unwrap_or(0);
    let (mut left, mut right) = (vec![0_i16; count], vec![0_i16; count]);
    for chunk in chunks {
        let ear = match chunk.side {
            Side::Left => &mut left,
            Side::Right => &mut right,
        };
        let before = usize::try_from(chunk.from.saturating_sub(span.from)).unwrap_or(usize::MAX);
        let heard = usize::try_from(span.from.saturating_sub(chunk.from)).unwrap_or(usize::MAX);
        for (sample, code) in ear.iter_mut().skip(before).zip(chunk.ulaw.iter().skip(heard)) {
            *sample = sample.saturating_add(decode_ulaw(*code));
        }
    }
    let mut moments = Vec::with_capacity(count.saturating_mul(4));
    for (left, right) in left.into_iter().zip(right) {
        moments.extend(left.to_le_bytes());
        moments.extend(right.to_le_bytes());
    }
    moments
}
