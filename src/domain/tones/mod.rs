//! Speech as tones: how the simulated town's people are heard without any speech model. Every word is one packet of
//! frequency-shift keying inside ordinary 8 kHz µ-law, so sockets, sequence numbers, base64 and lost frames all act
//! on it as they would on a voice.
//!
//! A packet, one bit a millisecond (8 samples), a one as one turn of 1000 Hz and a zero as two turns of 2000 Hz:
//!
//! | bits | field |
//! |---|---|
//! | 24 | preamble `AA`, sync `FF FF` (no UTF-8 text holds sixteen ones in a row, so no word can hold a packet) |
//! | 8 | kind: a word, the rest of a long word, or the end of the utterance |
//! | 16 | number of the packet within the utterance, from 0; at the end, how many were sent |
//! | 8 | length of the text in bytes |
//! | 8 × length | the text, UTF-8 |
//! | 16 | CRC-16/CCITT over kind, number, length and text |
//!
//! Silence of 8 ms follows every packet, and the end is sent twice, so that losing any one frame of 20 ms (20 bits)
//! loses only the words it touched: a packet that misses bits runs into the silence behind it and is dropped.

mod decode;
mod encode;

pub use decode::{Decoded, Decoder, Joint};
pub use encode::{frames, words};

/// Samples a second, and therefore µ-law bytes a second.
pub const SAMPLES_PER_SECOND: u64 = 8000;
/// Samples, and bytes, in a millisecond.
pub const SAMPLES_PER_MS: u64 = SAMPLES_PER_SECOND / 1_000;
/// Milliseconds of a frame.
pub const FRAME_MS: u64 = 20;
/// Samples, and bytes, in one frame of 20 ms.
pub const FRAME: usize = 160;
/// The µ-law code of silence.
pub const SILENCE: u8 = 0xff;

/// Samples in one bit.
const BIT: usize = 8;
/// What opens every packet.
const OPENING: [u8; 3] = [0xaa, 0xff, 0xff];
/// Longest text of one packet, in bytes; longer words are cut at a character.
const LONGEST: usize = 120;
/// One turn of a 1000 Hz sine, sampled between its zeros so that no sample of a tone is silent.
const ONE: [i32; BIT] = [3061, 7391, 7391, 3061, -3061, -7391, -7391, -3061];
/// Two turns of a 2000 Hz sine.
const ZERO: [i32; BIT] = [5657, 5657, -5657, -5657, 5657, 5657, -5657, -5657];

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A word, or the first part of a long one.
    Word,
    /// The rest of the word before it.
    Rest,
    /// The end of the utterance.
    End,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Word => 0x57,
            Self::Rest => 0x52,
            Self::End => 0x45,
        }
    }

    const fn read(code: u8) -> Option<Self> {
        match code {
            0x57 => Some(Self::Word),
            0x52 => Some(Self::Rest),
            0x45 => Some(Self::End),
            _ => None,
        }
    }
}

/// CRC-16/CCITT-FALSE (polynomial 1021, start FFFF).
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum, byte| {
        (0..8).fold(
            sum ^ (u16::from(*byte) << 8),
            |sum, _| {
                if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 }
            },
        )
    })
}
