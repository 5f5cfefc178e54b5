//! From tones back to words, as the audio arrives.

use super::{BIT, Kind, ONE, OPENING, ZERO, crc};
use audio_codec_algorithms::decode_ulaw;

/// Samples within which the second end begins after the first.
const REPEATED_WITHIN: u64 = 32 * 8;

/// What was understood. Positions count samples since the decoder began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A word, its checksum right.
    Word {
        /// Its number within the utterance, from 0. A number that does not rise begins another utterance.
        number: u16,
        /// The word.
        text: String,
        /// Whether it stands by itself or goes on where the packet before it stopped.
        joint: Joint,
        /// First sample of its packet.
        from_sample: u64,
        /// The sample after its packet.
        to_sample: u64,
    },
    /// Something began like a word and was not one: at least one word is lost here.
    Damaged {
        /// Where it began.
        from_sample: u64,
    },
    /// The speaker has finished.
    EndOfUtterance {
        /// How many words (parts of long words counted singly) were spoken.
        words_sent: u16,
        /// The sample after the packet.
        to_sample: u64,
    },
}

/// How a word follows the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// After a blank.
    Apart,
    /// Without one: the rest of a word too long for one packet.
    Glued,
}

/// Listens to one track. Chunks may be cut anywhere; frames may be missing; silence costs nothing.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<i32>,
    /// Where in `line` the search stands.
    at: usize,
    /// Samples dropped from the front of `line`.
    dropped: u64,
    /// Where the utterance ended, once that was told; the end is sent twice.
    ended_at: Option<u64>,
}

/// One step of the search.
enum Step {
    /// More audio is needed to tell.
    Wait,
    /// No packet begins here.
    Skip,
    /// A packet began and broke off.
    Broken,
    /// A whole packet and its length in samples.
    Packet { kind: Kind, number: u16, text: String, samples: usize },
}

impl Decoder {
    /// A decoder at the beginning of a track.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many samples were pushed so far.
    #[must_use]
    pub fn heard_samples(&self) -> u64 {
        self.dropped + samples(self.line.len())
    }

    /// Takes more 8 kHz µ-law and tells what has become clear.
    pub fn push(&mut self, ulaw: &[u8]) -> Vec<Decoded> {
        self.line.extend(ulaw.iter().map(|code| i32::from(decode_ulaw(*code))));
        let mut news = Vec::new();
        loop {
            let from_sample = self.dropped + samples(self.at);
            match self.step() {
                Step::Wait => break,
                Step::Skip => self.at += 1,
                Step::Broken => {
                    self.at += OPENING.len() * 8 * BIT;
                    // What breaks where the end is repeated is only the repetition.
                    if self.ended_at.is_none_or(|end| from_sample > end + REPEATED_WITHIN) {
                        news.push(Decoded::Damaged { from_sample });
                    }
                }
                Step::Packet { kind, number, text, samples: length } => {
                    self.at += length;
                    self.tell(&mut news, kind, (number, text), (from_sample, from_sample + samples(length)));
                }
            }
        }
        self.line.drain(..self.at);
        self.dropped += samples(self.at);
        self.at = 0;
        news
    }

    fn tell(&mut self, news: &mut Vec<Decoded>, kind: Kind, (number, text): (u16, String), (from, to): (u64, u64)) {
        let joint = match kind {
            Kind::Word => Joint::Apart,
            Kind::Rest => Joint::Glued,
            Kind::End => {
                if self.ended_at.replace(to).is_none() {
                    news.push(Decoded::EndOfUtterance { words_sent: number, to_sample: to });
                }
                return;
            }
        };
        self.ended_at = None;
        news.push(Decoded::Word { number, text, joint, from_sample: from, to_sample: to });
    }

    fn step(&self) -> Step {
        for (index, byte) in OPENING.iter().enumerate() {
            for bit in 0..8 {
                match self.bit(index * 8 + bit) {
                    Heard::NotYet => return Step::Wait,
                    Heard::Bit(heard) if heard == (byte >> (7 - bit)) & 1 => {}
                    Heard::Bit(_) | Heard::Noise => return Step::Skip,
                }
            }
        }
        match self.body() {
            Ok(packet) => packet,
            Err(step) => step,
        }
    }

    fn body(&self) -> Result<Step, Step> {
        let head = self.bytes(OPENING.len(), 4)?;
        let &[code, high, low, length] = head.as_slice() else { return Err(Step::Broken) };
        let kind = Kind::read(code).ok_or(Step::Broken)?;
        let text = self.bytes(OPENING.len() + 4, usize::from(length))?;
        let after = OPENING.len() + 4 + usize::from(length);
        let sum = self.bytes(after, 2)?;
        let whole: Vec<u8> = head.iter().chain(&text).copied().collect();
        if sum != crc(&whole).to_be_bytes() {
            return Err(Step::Broken);
        }
        let text = String::from_utf8(text).map_err(|_| Step::Broken)?;
        Ok(Step::Packet { kind, number: u16::from_be_bytes([high, low]), text, samples: (after + 2) * 8 * BIT })
    }

    /// `count` bytes, starting with byte `first` of the packet at the search's place.
    fn bytes(&self, first: usize, count: usize) -> Result<Vec<u8>, Step> {
        (first..first + count)
            .map(|index| {
                (0..8).try_fold(0, |byte: u8, bit| match self.bit(index * 8 + bit) {
                    Heard::NotYet => Err(Step::Wait),
                    Heard::Noise => Err(Step::Broken),
                    Heard::Bit(heard) => Ok(byte << 1 | heard),
                })
            })
            .collect()
    }

    /// Bit number `index` of a packet at the search's place. The tones are orthogonal over one bit, so a match is
    /// three quarters of the full correlation and everything else, silence too, is noise.
    fn bit(&self, index: usize) -> Heard {
        let from = self.at + index * BIT;
        let Some(part) = self.line.get(from..from + BIT) else { return Heard::NotYet };
        if alike(part, &ONE) {
            Heard::Bit(1)
        } else if alike(part, &ZERO) {
            Heard::Bit(0)
        } else {
            Heard::Noise
        }
    }
}

enum Heard {
    NotYet,
    Bit(u8),
    Noise,
}

fn alike(part: &[i32], tone: &[i32; BIT]) -> bool {
    let match_of = |other: &[i32]| -> i64 { other.iter().zip(tone).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum() };
    match_of(part) * 4 > match_of(tone) * 3
}

fn samples(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
