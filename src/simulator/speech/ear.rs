//! The ear of the town's engines: tones become words with their times, words become utterances.

use crate::domain::tones::{Decoded, Decoder, Joint, SAMPLES_PER_SECOND};

/// Silence that ends an utterance whose end was not heard: 1.2 s.
const PAUSE_SAMPLES: u64 = SAMPLES_PER_SECOND * 12 / 10;

/// One word with its times, in milliseconds of the audio that came.
#[derive(Clone)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

/// Words that belong together.
#[derive(Clone, Default)]
pub(super) struct Utterance {
    pub(super) words: Vec<Word>,
}

impl Utterance {
    pub(super) fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn begun_ms(&self) -> u64 {
        self.words.first().map_or(0, |word| word.from_ms)
    }

    pub(super) fn ended_ms(&self) -> u64 {
        self.words.last().map_or(0, |word| word.to_ms)
    }
}

/// What was heard.
pub(super) enum Sounded {
    /// An utterance goes on: all its words so far.
    Goes(Utterance),
    /// It is finished.
    Ends(Utterance),
}

/// Listens to one leg.
#[derive(Default)]
pub(super) struct TownEar {
    decoder: Decoder,
    utterance: Utterance,
    last_number: Option<u16>,
}

impl TownEar {
    /// Takes more 8 kHz µ-law.
    pub(super) fn push(&mut self, ulaw: &[u8]) -> Vec<Sounded> {
        let mut sounded = Vec::new();
        for decoded in self.decoder.push(ulaw) {
            match decoded {
                Decoded::Word { number, text, joint, from_sample, to_sample } => {
                    if self.last_number.is_some_and(|last| number <= last) {
                        sounded.extend(self.finish());
                    }
                    self.last_number = Some(number);
                    self.add(Word { text, from_ms: millis(from_sample), to_ms: millis(to_sample) }, joint);
                    sounded.push(Sounded::Goes(self.utterance.clone()));
                }
                Decoded::Damaged { .. } => {}
                Decoded::EndOfUtterance { .. } => sounded.extend(self.finish()),
            }
        }
        let silent_ms = millis(self.decoder.heard_samples()).saturating_sub(self.utterance.ended_ms());
        if silent_ms >= millis(PAUSE_SAMPLES) {
            sounded.extend(self.finish());
        }
        sounded
    }

    /// The utterance that was being spoken, if there was one.
    pub(super) fn finish(&mut self) -> Option<Sounded> {
        self.last_number = None;
        let utterance = std::mem::take(&mut self.utterance);
        (!utterance.words.is_empty()).then_some(Sounded::Ends(utterance))
    }

    fn add(&mut self, word: Word, joint: Joint) {
        match (joint, self.utterance.words.last_mut()) {
            (Joint::Glued, Some(last)) => {
                last.text.push_str(&word.text);
                last.to_ms = word.to_ms;
            }
            (Joint::Glued | Joint::Apart, _) => self.utterance.words.push(word),
        }
    }
}

const fn millis(samples: u64) -> u64 {
    samples * 1000 / SAMPLES_PER_SECOND
}
