//! What a text costs: counted in 7-bit characters while all of them are in the GSM alphabet, otherwise in 16-bit units
//! (3GPP TS 23.038, formerly GSM 03.38; concatenation by TS 23.040, which takes 7 characters or 3 units of each part).

/// The default alphabet, without the escape to the extension table (TS 23.038, 6.2.1).
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
                     ¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table: each takes an escape and one more (TS 23.038, 6.2.1.1).
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Characters of a text alone, and of each part of a longer one.
const SEPTETS: Room = Room { alone: 160, part: 153 };
/// 16-bit units of a text alone, and of each part of a longer one.
const UNITS: Room = Room { alone: 70, part: 67 };

struct Room {
    alone: usize,
    part: usize,
}

/// How a text is written on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// 7-bit.
    Gsm7,
    /// 16-bit: UTF-16, as telephones read UCS-2 today.
    Ucs2,
}

/// What a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How it is written.
    pub alphabet: Alphabet,
    /// Characters of 7 bits, or units of 16.
    pub units: usize,
    /// Parts it is sent and paid as; an empty text is one.
    pub segments: usize,
    /// Units that still fit into the last part.
    pub left: usize,
}

/// Counts a text. What takes two units is never split between parts.
#[must_use]
pub fn count(text: &str) -> Count {
    let septets: Option<Vec<usize>> = text.chars().map(septets_of).collect();
    match septets {
        Some(lengths) => fill(Alphabet::Gsm7, &lengths, &SEPTETS),
        None => fill(Alphabet::Ucs2, &text.chars().map(char::len_utf16).collect::<Vec<_>>(), &UNITS),
    }
}

/// Characters that keep a text from being written in 7 bits, each once, in order of appearance.
#[must_use]
pub fn costly(text: &str) -> Vec<char> {
    let mut found: Vec<char> = Vec::new();
    for letter in text.chars() {
        if septets_of(letter).is_none() && !found.contains(&letter) {
            found.push(letter);
        }
    }
    found
}

fn septets_of(letter: char) -> Option<usize> {
    if BASIC.contains(letter) {
        Some(1)
    } else if EXTENSION.contains(letter) {
        Some(2)
    } else {
        None
    }
}

fn fill(alphabet: Alphabet, lengths: &[usize], room: &Room) -> Count {
    let units: usize = lengths.iter().sum();
    if units <= room.alone {
        return Count { alphabet, units, segments: 1, left: room.alone - units };
    }
    let (mut segments, mut used) = (1, 0);
    for length in lengths {
        if used + length > room.part {
            segments += 1;
            used = 0;
        }
        used += length;
    }
    Count { alphabet, units, segments, left: room.part - used }
}
