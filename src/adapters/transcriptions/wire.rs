//! The words of OpenAI-shaped transcription servers: a form with a small recording in it, and the transcript that comes back,
//! with the time of each word where the server gives it.

use crate::{
    adapters::hearing::millis,
    domain::{people::Language, private::Private, wave},
    ports::{
        OutageKind,
        speech::{Heard, TimedWord},
    },
};
use audio_codec_algorithms::decode_ulaw;
use serde::Deserialize;

/// Most words of one piece.
const MOST_WORDS: usize = 4_000;

/// The fields beside the recording. Times of words are asked for; servers that know none ignore it.
#[must_use]
pub fn fields(model: &str, language: Language) -> Vec<(&'static str, String)> {
    let language = match language {
        Language::English => "en",
        Language::Spanish => "es",
    };
    // OpenAI's newer models refuse the form with times and take the plain one (see the page named above).
    let format = if model.starts_with("gpt-") { "json" } else { "verbose_json" };
    let mut fields =
        vec![("model", model.to_owned()), ("language", language.to_owned()), ("response_format", format.to_owned())];
    if format == "verbose_json" {
        fields.push(("timestamp_granularities[]", "word".to_owned()));
    }
    fields
}

/// A form with a recording (RFC 7578): its content type and its bytes.
#[must_use]
pub fn form(fields: &[(&'static str, String)], ulaw: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("careline-{:032x}", rand::random::<u128>());
    let mut body = Vec::with_capacity(ulaw.len() * 2 + 1024);
    for (name, value) in fields {
        body.extend(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    let head =
        "Content-Disposition: form-data; name=\"file\"; filename=\"piece.wav\"\r\nContent-Type: audio/wav\r\n\r\n";
    body.extend(format!("--{boundary}\r\n{head}").bytes());
    body.extend(wav(ulaw));
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// A recording of 16-bit linear samples, which every server reads.
fn wav(ulaw: &[u8]) -> Vec<u8> {
    let mut wav = wave::header(1, u64::try_from(ulaw.len()).unwrap_or(u64::MAX));
    wav.extend(ulaw.iter().flat_map(|code| decode_ulaw(*code).to_le_bytes()));
    wav
}

#[derive(Deserialize)]
struct Transcript {
    text: String,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Word {
    #[serde(rename = "word")]
    text: String,
    start: f64,
    end: f64,
}

/// What a reply says of a piece that was spoken from one moment of the leg to another; nothing when nobody spoke.
///
/// # Errors
/// `Garbled` when it cannot be read.
pub fn read(reply: &[u8], from_ms: u64, to_ms: u64) -> Result<Option<Heard>, OutageKind> {
    let transcript: Transcript = serde_json::from_slice(reply).map_err(|_| OutageKind::Garbled)?;
    if transcript.words.len() > MOST_WORDS {
        return Err(OutageKind::Garbled);
    }
    let text = transcript.text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let timed = |word: Word| {
        Some(TimedWord {
            text: Private::new(word.text.trim().to_owned()),
            from_ms: from_ms.saturating_add(millis(word.start)?),
            to_ms: from_ms.saturating_add(millis(word.end)?),
            confidence: None,
        })
    };
    let words: Option<Vec<TimedWord>> = transcript.words.into_iter().map(timed).collect();
    Ok(Some(Heard::Final {
        text: Private::new(text.to_owned()),
        from_ms,
        to_ms,
        lost_words: 0,
        words: words.ok_or(OutageKind::Garbled)?,
        confidence: None,
    }))
}
