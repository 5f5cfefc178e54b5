//! From text to tones.

use super::{BIT, FRAME, Kind, LONGEST, ONE, OPENING, SILENCE, ZERO, crc};
use audio_codec_algorithms::encode_ulaw;

/// Bits of silence after a packet.
const PAUSE: usize = 8;
/// Bits of silence between the two ends: more than one frame holds, so no single loss can touch both.
const LONG_PAUSE: usize = 24;

/// One utterance as frames of 160 µ-law bytes, the last one filled up with silence. Words are parted by white space;
/// what is heard at the other end has one blank between words. Empty text makes no frames. An utterance has at most
/// 65,535 packets; words beyond them are not spoken.
#[must_use]
pub fn frames(text: &str) -> Vec<Vec<u8>> {
    let mut line = Vec::new();
    let mut sent: u16 = 0;
    for (kind, word) in packets(text) {
        let Some(next) = sent.checked_add(1) else { break };
        packet(&mut line, kind, sent, word);
        silence(&mut line, PAUSE);
        sent = next;
    }
    if sent == 0 {
        return Vec::new();
    }
    packet(&mut line, Kind::End, sent, "");
    silence(&mut line, LONG_PAUSE);
    packet(&mut line, Kind::End, sent, "");
    silence(&mut line, PAUSE);
    line.resize(line.len().next_multiple_of(FRAME), SILENCE);
    line.chunks(FRAME).map(<[u8]>::to_vec).collect()
}

/// How many packets carry a text: its words, long ones counted once for each part.
#[must_use]
pub fn words(text: &str) -> usize {
    packets(text).count()
}

fn packets(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    text.split_whitespace().flat_map(|word| {
        let mut rest = word;
        let mut kind = Kind::Word;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (part, after) = rest.split_at_checked(rest.floor_char_boundary(LONGEST))?;
            rest = after;
            Some((std::mem::replace(&mut kind, Kind::Rest), part))
        })
    })
}

fn packet(line: &mut Vec<u8>, kind: Kind, number: u16, text: &str) {
    let mut body = vec![kind.code()];
    body.extend(number.to_be_bytes());
    body.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    body.extend(text.as_bytes());
    let sum = crc(&body);
    for byte in OPENING.iter().chain(&body).chain(&sum.to_be_bytes()) {
        for bit in (0..8).rev() {
            let tone = if byte & (1 << bit) == 0 { ZERO } else { ONE };
            line.extend(tone.iter().map(|sample| encode_ulaw(i16::try_from(*sample).unwrap_or(0))));
        }
    }
}

fn silence(line: &mut Vec<u8>, bits: usize) {
    line.resize(line.len() + bits * BIT, SILENCE);
}
