//! The wire of OpenAI-shaped transcription servers (<https://platform.openai.com/docs/api-reference/audio>): a form with a
//! recording goes in, a transcript comes out.

use super::{
    Conduct, ConversationSeen, SpeechState,
    ear::{Sounded, TownEar},
    refusal,
};
use audio_codec_algorithms::encode_ulaw;
use axum::{
    Json,
    extract::{Multipart, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// Bytes before the samples of the recordings that are taken.
const HEAD: usize = 44;

pub(super) async fn transcribe(State(state): State<SpeechState>, headers: HeaderMap, form: Multipart) -> Response {
    if !state.accepts(&headers, "Bearer ") {
        return refusal(401);
    }
    let Some((seen, ulaw)) = read(form).await else { return refusal(400) };
    let (conduct, place) = state.begin(seen);
    state.note(place, |seen| seen.audio_bytes = ulaw.len());
    let mut ear = TownEar::default();
    let mut sounded = ear.push(&ulaw);
    sounded.extend(ear.finish());
    let words: Vec<_> = sounded
        .into_iter()
        .filter_map(|one| match one {
            Sounded::Ends(utterance) => Some(utterance.words),
            Sounded::Goes(_) => None,
        })
        .flatten()
        .collect();
    match conduct {
        Conduct::Refuses(status) => return refusal(status),
        Conduct::HangsUpAfter(count) if words.len() > count => return refusal(502),
        Conduct::BabblesAfter(count) if words.len() > count => return "}{ what was I saying".into_response(),
        Conduct::RoarsAfter(count) if words.len() > count => return " ".repeat(2 * 1024 * 1024).into_response(),
        Conduct::StallsAfter(count) if words.len() > count => std::future::pending().await,
        Conduct::Thinks(time) => tokio::time::sleep(time).await,
        Conduct::Well
        | Conduct::HangsUpAfter(_)
        | Conduct::BabblesAfter(_)
        | Conduct::RoarsAfter(_)
        | Conduct::StallsAfter(_)
        | Conduct::HoldsFinals
        | Conduct::SwapsFinals => {}
    }
    let seconds = |milliseconds| std::time::Duration::from_millis(milliseconds).as_secs_f64();
    let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let timed: Vec<Value> = words
        .iter()
        .map(|word| json!({"word": word.text, "start": seconds(word.from_ms), "end": seconds(word.to_ms)}))
        .collect();
    Json(json!({"task": "transcribe", "text": text, "words": timed})).into_response()
}

/// The fields of a form and its recording as µ-law.
async fn read(mut form: Multipart) -> Option<(ConversationSeen, Vec<u8>)> {
    let mut seen = ConversationSeen { wire: "transcriptions", ..ConversationSeen::default() };
    let mut ulaw = None;
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.ok()?;
        match name.as_str() {
            "language" => seen.language = String::from_utf8_lossy(&bytes).into_owned(),
            "model" => seen.model = String::from_utf8_lossy(&bytes).into_owned(),
            "file" => ulaw = linear(&bytes),
            _ => {}
        }
    }
    Some((seen, ulaw?))
}

/// The samples of a recording; none when it is not one of 8 kHz with one channel of 16 bits.
fn linear(wav: &[u8]) -> Option<Vec<u8>> {
    let (head, samples) = wav.split_at_checked(HEAD)?;
    let fits = head.starts_with(b"RIFF") && head.get(22..28) == Some(&[1, 0, 0x40, 0x1f, 0, 0][..]);
    let (samples, _rest) = samples.as_chunks::<2>();
    fits.then(|| samples.iter().map(|sample| encode_ulaw(i16::from_le_bytes(*sample))).collect())
}
