//! Deepgram's words: the query that opens a stream, the text messages either side sends. Every result that is final ends an
//! utterance; what is not final replaces what was said of it before.

use crate::{
    adapters::hearing::{Dialect, Said, millis, percent},
    domain::{people::Language, private::Private},
    ports::{OutageKind, speech::TimedWord},
};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::Message;

/// Most words in one result; more would not fit between two pauses of any person.
const MOST_WORDS: usize = 4_000;

/// The query of a stream of 8 kHz µ-law. `mip_opt_out` keeps what is said out of the provider's training.
#[must_use]
pub fn query(model: &str, language: Language) -> Vec<(&'static str, String)> {
    let said = |text: &str| text.to_owned();
    vec![
        ("model", said(model)),
        // Their models know Spanish of the Americas by this tag (<https://developers.deepgram.com/docs/models-languages-overview>).
        (
            "language",
            said(match language {
                Language::English => "en-US",
                Language::Spanish => "es-419",
            }),
        ),
        ("encoding", said("mulaw")),
        ("sample_rate", said("8000")),
        ("channels", said("1")),
        ("interim_results", said("true")),
        ("punctuate", said("true")),
        ("endpointing", said("300")),
        ("mip_opt_out", said("true")),
    ]
}

/// A live stream.
#[derive(Debug, Default)]
pub struct Live;

/// A message of the engine, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Reply {
    Results(Results),
    /// The last message of a stream.
    Metadata {},
    Error {
        #[serde(default)]
        variant: Option<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Results {
    start: f64,
    duration: f64,
    #[serde(default)]
    is_final: bool,
    channel: Channel,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    transcript: String,
    #[serde(default)]
    confidence: Option<f64>,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Word {
    #[serde(rename = "word")]
    plain: String,
    #[serde(default, rename = "punctuated_word")]
    punctuated: Option<String>,
    start: f64,
    end: f64,
    #[serde(default)]
    confidence: Option<f64>,
}

impl Dialect for Live {
    const ENGINE: &'static str = super::ENGINE;

    fn greeting(&self) -> Option<String> {
        None
    }

    fn audio(&self, ulaw: Vec<u8>) -> Message {
        Message::binary(ulaw)
    }

    fn sign_of_life(&self) -> Option<String> {
        Some(r#"{"type":"KeepAlive"}"#.to_owned())
    }

    fn farewell(&mut self) -> String {
        r#"{"type":"CloseStream"}"#.to_owned()
    }

    fn read(&mut self, text: &str) -> Result<Vec<Said>, OutageKind> {
        match serde_json::from_str(text).map_err(|_| OutageKind::Garbled)? {
            Reply::Results(results) => Ok(said(results)?.into_iter().collect()),
            Reply::Metadata {} => Ok(vec![Said::Over]),
            Reply::Error { variant } => Err(OutageKind::Refused(code(variant.as_deref()))),
            Reply::Other => Ok(Vec::new()),
        }
    }
}

/// What a result says; nothing when nobody spoke.
fn said(results: Results) -> Result<Option<Said>, OutageKind> {
    let from_ms = millis(results.start).ok_or(OutageKind::Garbled)?;
    let to_ms = from_ms.saturating_add(millis(results.duration).ok_or(OutageKind::Garbled)?);
    let Some(best) = results.channel.alternatives.into_iter().next() else { return Ok(None) };
    if best.transcript.trim().is_empty() {
        return Ok(None);
    }
    if best.words.len() > MOST_WORDS {
        return Err(OutageKind::Garbled);
    }
    let text = Private::new(best.transcript);
    if !results.is_final {
        return Ok(Some(Said::Interim { text }));
    }
    let words: Option<Vec<TimedWord>> = best.words.into_iter().map(timed).collect();
    let words = words.ok_or(OutageKind::Garbled)?;
    // A result spans the silence around its words too; the words say when somebody spoke.
    let spoken = words.first().zip(words.last()).map(|(first, last)| (first.from_ms, last.to_ms));
    let (from_ms, to_ms) = spoken.filter(|(from, to)| from <= to).unwrap_or((from_ms, to_ms));
    Ok(Some(Said::Final { text, from_ms, to_ms, words, confidence: best.confidence.and_then(percent) }))
}

fn timed(word: Word) -> Option<TimedWord> {
    Some(TimedWord {
        text: Private::new(word.punctuated.unwrap_or(word.plain)),
        from_ms: millis(word.start)?,
        to_ms: millis(word.end)?,
        confidence: word.confidence.and_then(percent),
    })
}

/// A code out of an engine's own words: it may hold no more than a code does.
fn code(variant: Option<&str>) -> String {
    let plain = |text: &&str| {
        text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    variant.filter(plain).unwrap_or("error").to_owned()
}
