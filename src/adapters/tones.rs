//! The offline transcriber: hears the simulated town's people, who speak in audible tones. No model, no network.

use crate::{
    domain::{
        private::Private,
        tones::{Decoded, Decoder, FRAME, Joint, SAMPLES_PER_SECOND, SILENCE},
    },
    ports::{
        Outage,
        speech::{Heard, Hearing, Listen, Sound, Speech, TimedWord},
    },
};
use async_trait::async_trait;
use tokio::sync::mpsc;

/// Silence after which an utterance counts as finished though its end was not heard: 1.2 s of audio.
const PAUSE_SAMPLES: u64 = SAMPLES_PER_SECOND * 12 / 10;
/// Frames of silence that stand for a gap: a longer gap would tell the decoder nothing more.
const LONGEST_GAP: u64 = 100;
/// Room in the channels: two seconds of audio.
const ROOM: usize = 100;

/// Decodes tones into words.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToneTranscriber;

#[async_trait]
impl Speech for ToneTranscriber {
    fn name(&self) -> &'static str {
        "tones"
    }

    async fn listen(&self, _wanted: &Listen) -> Result<Hearing, Outage> {
        let (audio, mut sounds) = mpsc::channel(ROOM);
        let (tell, words) = mpsc::channel(ROOM);
        tokio::spawn(async move {
            let mut ear = Ear::default();
            while let Some(sound) = sounds.recv().await {
                for heard in ear.take(&sound) {
                    if tell.send(Ok(heard)).await.is_err() {
                        return;
                    }
                }
            }
            if let Some(last) = ear.finish() {
                let _ = tell.send(Ok(last)).await;
            }
        });
        Ok(Hearing { audio, words })
    }
}

/// One leg's listening.
#[derive(Default)]
struct Ear {
    decoder: Decoder,
    /// Stream time minus decoder time, in milliseconds, as of the last audio.
    shift_ms: i64,
    utterance: Option<Utterance>,
}

/// An utterance being heard.
struct Utterance {
    text: String,
    heard: u32,
    /// How many words are known to have been spoken: one more than the highest number heard.
    spoken: u32,
    /// Broken packets since the last word.
    damaged: u32,
    from_sample: u64,
    to_sample: u64,
    /// Every word with its first sample and the sample after it.
    words: Vec<(String, u64, u64)>,
}

impl Ear {
    fn take(&mut self, sound: &Sound) -> Vec<Heard> {
        let decoded = match sound {
            Sound::Ulaw { at_ms, bytes } => {
                let decoder_ms = millis(self.decoder.heard_samples());
                self.shift_ms = i64::try_from(*at_ms).unwrap_or(i64::MAX).saturating_sub_unsigned(decoder_ms);
                self.decoder.push(bytes)
            }
            Sound::Lost { frames } => {
                let frames = usize::try_from((*frames).min(LONGEST_GAP)).unwrap_or(0);
                self.decoder.push(&vec![SILENCE; FRAME * frames])
            }
        };
        let mut news: Vec<Heard> = decoded.into_iter().flat_map(|decoded| self.learn(decoded)).collect();
        let now = self.decoder.heard_samples();
        if self.utterance.as_ref().is_some_and(|utterance| now.saturating_sub(utterance.to_sample) >= PAUSE_SAMPLES) {
            news.extend(self.finish());
        }
        news
    }

    fn learn(&mut self, decoded: Decoded) -> Vec<Heard> {
        let mut news = Vec::new();
        match decoded {
            Decoded::Word { number, text, joint, from_sample, to_sample } => {
                let number = u32::from(number);
                if self.utterance.as_ref().is_some_and(|utterance| utterance.heard > 0 && number < utterance.spoken) {
                    news.extend(self.finish());
                }
                let utterance = self.utterance.get_or_insert_with(|| Utterance::from(from_sample));
                utterance.add(number, &text, joint, (from_sample, to_sample));
                news.push(Heard::Interim { text: Private::new(utterance.text.clone()) });
            }
            Decoded::Damaged { from_sample } => {
                let utterance = self.utterance.get_or_insert_with(|| Utterance::from(from_sample));
                utterance.damaged = utterance.damaged.saturating_add(1);
                utterance.to_sample = utterance.to_sample.max(from_sample);
            }
            Decoded::EndOfUtterance { words_sent, to_sample } => {
                let utterance = self.utterance.get_or_insert_with(|| Utterance::from(to_sample));
                utterance.spoken = utterance.spoken.max(u32::from(words_sent));
                // The count is exact now; what broke since the last word is in it.
                utterance.damaged = 0;
                utterance.to_sample = to_sample;
                news.extend(self.finish());
            }
        }
        news
    }

    fn finish(&mut self) -> Option<Heard> {
        let utterance = self.utterance.take()?;
        let lost = utterance.spoken.saturating_sub(utterance.heard).saturating_add(utterance.damaged);
        let timed = |(text, from, to): (String, u64, u64)| TimedWord {
            text: Private::new(text),
            from_ms: self.stream_ms(from),
            to_ms: self.stream_ms(to),
            confidence: None,
        };
        let words = utterance.words.into_iter().map(timed).collect();
        Some(Heard::Final {
            text: Private::new(utterance.text),
            from_ms: self.stream_ms(utterance.from_sample),
            to_ms: self.stream_ms(utterance.to_sample),
            lost_words: lost,
            words,
            // A word whose checksum is right was said; there is nothing to be unsure of.
            confidence: None,
        })
    }

    fn stream_ms(&self, sample: u64) -> u64 {
        millis(sample).saturating_add_signed(self.shift_ms)
    }
}

impl Utterance {
    const fn from(sample: u64) -> Self {
        Self {
            text: String::new(),
            heard: 0,
            spoken: 0,
            damaged: 0,
            from_sample: sample,
            to_sample: sample,
            words: Vec::new(),
        }
    }

    fn add(&mut self, number: u32, word: &str, joint: Joint, (from_sample, to_sample): (u64, u64)) {
        // A later part of a long word stands apart when the part before it was lost.
        let glued = joint == Joint::Glued && number == self.spoken && self.heard > 0;
        if !glued && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
        match self.words.last_mut().filter(|_| glued) {
            Some((last, _, to)) => {
                last.push_str(word);
                *to = to_sample;
            }
            None => self.words.push((word.to_owned(), from_sample, to_sample)),
        }
        self.heard = self.heard.saturating_add(1);
        self.spoken = number.saturating_add(1);
        self.damaged = 0;
        self.to_sample = to_sample;
    }
}

const fn millis(samples: u64) -> u64 {
    samples * 1000 / SAMPLES_PER_SECOND
}
