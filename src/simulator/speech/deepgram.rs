//! Deepgram's wire (<https://developers.deepgram.com/reference/speech-to-text/listen-streaming>).

use super::{
    Conduct, ConversationSeen, SpeechState,
    ear::Utterance,
    refusal,
    session::{Asked, Session, Tongue},
};
use axum::{
    extract::{
        Query, State,
        ws::{Message, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The query of a stream.
#[derive(Deserialize)]
pub(super) struct Wanted {
    model: String,
    language: String,
    encoding: String,
    sample_rate: u32,
    #[serde(default)]
    interim_results: bool,
}

pub(super) async fn listen(
    State(state): State<SpeechState>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !state.accepts(&headers, "Token ") {
        return refusal(401);
    }
    if wanted.encoding != "mulaw" || wanted.sample_rate != 8000 {
        return refusal(400);
    }
    let seen = ConversationSeen {
        wire: "deepgram",
        language: wanted.language,
        model: wanted.model,
        ..ConversationSeen::default()
    };
    let (conduct, place) = state.begin(seen);
    if let Conduct::Refuses(status) = conduct {
        return refusal(status);
    }
    let tongue = Live { tells_interim: wanted.interim_results };
    upgrade.on_upgrade(move |socket| Session { socket, tongue, state, conduct, place }.run())
}

struct Live {
    tells_interim: bool,
}

impl Tongue for Live {
    fn welcome(&self) -> Vec<String> {
        Vec::new()
    }

    fn read(&mut self, message: Message) -> Asked {
        match message {
            Message::Binary(ulaw) => Asked::Audio(ulaw.to_vec()),
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap_or_default();
                match message.get("type").and_then(Value::as_str) {
                    Some("KeepAlive") => Asked::Alive,
                    Some("CloseStream") => Asked::End,
                    Some(_) | None => Asked::Nothing,
                }
            }
            Message::Ping(_) | Message::Pong(_) => Asked::Nothing,
            Message::Close(_) => Asked::Gone,
        }
    }

    fn goes(&mut self, utterance: &Utterance) -> Vec<String> {
        if self.tells_interim { vec![results(utterance, &json!(false))] } else { Vec::new() }
    }

    fn ends(&mut self, utterance: &Utterance) -> (Vec<String>, String) {
        // A real engine tells silence as results without words, too.
        let silence = json!({
            "type": "Results", "channel_index": [0, 1], "start": seconds(utterance.ended_ms()), "duration": 0.1,
            "is_final": false, "speech_final": false,
            "channel": {"alternatives": [{"transcript": "", "confidence": 0.0, "words": []}]},
        });
        (vec![silence.to_string()], results(utterance, &json!(true)))
    }

    fn farewell(&mut self) -> Vec<String> {
        vec![json!({"type": "Metadata", "request_id": "town", "channels": 1, "duration": 1.0}).to_string()]
    }
}

fn results(utterance: &Utterance, is_final: &Value) -> String {
    let words: Vec<Value> = utterance
        .words
        .iter()
        .map(|word| {
            json!({
                "word": word.text.to_lowercase(), "punctuated_word": word.text,
                "start": seconds(word.from_ms), "end": seconds(word.to_ms), "confidence": 0.98,
            })
        })
        .collect();
    let length_ms = utterance.ended_ms().saturating_sub(utterance.begun_ms());
    json!({
        "type": "Results", "channel_index": [0, 1], "start": seconds(utterance.begun_ms()),
        "duration": seconds(length_ms), "is_final": is_final, "speech_final": is_final,
        "channel": {"alternatives": [{"transcript": utterance.text(), "confidence": 0.97, "words": words}]},
    })
    .to_string()
}

fn seconds(milliseconds: u64) -> f64 {
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}
