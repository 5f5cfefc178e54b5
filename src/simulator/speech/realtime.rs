//! The wire of OpenAI's Realtime API in a session that only transcribes
//! (<https://platform.openai.com/docs/api-reference/realtime>).

use super::{
    Conduct, ConversationSeen, SpeechState,
    ear::Utterance,
    refusal,
    session::{Asked, Session, Tongue},
};
use axum::{
    extract::{
        State,
        ws::{Message, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub(super) async fn listen(
    State(state): State<SpeechState>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !state.accepts(&headers, "Bearer ") {
        return refusal(401);
    }
    let (conduct, place) = state.begin(ConversationSeen { wire: "realtime", ..ConversationSeen::default() });
    if let Conduct::Refuses(status) = conduct {
        return refusal(status);
    }
    upgrade.on_upgrade(move |socket| Session { socket, tongue: Live::default(), state, conduct, place }.run())
}

/// A session: items are numbered in the order they are spoken.
#[derive(Default)]
struct Live {
    number: usize,
    told_words: usize,
}

impl Live {
    fn id(&self) -> String {
        format!("item_{}", self.number)
    }
}

impl Tongue for Live {
    fn welcome(&self) -> Vec<String> {
        vec![json!({"type": "session.created", "session": {"type": "transcription"}}).to_string()]
    }

    fn read(&mut self, message: Message) -> Asked {
        match message {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap_or_default();
                let audio = || message.get("audio").and_then(Value::as_str).and_then(|it| STANDARD.decode(it).ok());
                match message.get("type").and_then(Value::as_str) {
                    Some("input_audio_buffer.append") => audio().map_or(Asked::Nothing, Asked::Audio),
                    Some("input_audio_buffer.commit") => Asked::End,
                    Some("session.update") => settled(&message),
                    Some(_) | None => Asked::Nothing,
                }
            }
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => Asked::Nothing,
            Message::Close(_) => Asked::Gone,
        }
    }

    fn goes(&mut self, utterance: &Utterance) -> Vec<String> {
        let mut said = Vec::new();
        if self.told_words == 0 {
            let begun = json!({"type": "input_audio_buffer.speech_started", "item_id": self.id(),
                               "audio_start_ms": utterance.begun_ms()});
            said.push(begun.to_string());
        }
        let fresh: Vec<&str> = utterance.words.iter().skip(self.told_words).map(|word| word.text.as_str()).collect();
        let blank = if self.told_words == 0 { "" } else { " " };
        self.told_words = utterance.words.len();
        let delta = json!({"type": "conversation.item.input_audio_transcription.delta", "item_id": self.id(),
                           "content_index": 0, "delta": format!("{blank}{}", fresh.join(" "))});
        said.push(delta.to_string());
        said
    }

    fn ends(&mut self, utterance: &Utterance) -> (Vec<String>, String) {
        let id = self.id();
        let said = [
            json!({"type": "input_audio_buffer.speech_stopped", "item_id": id, "audio_end_ms": utterance.ended_ms()}),
            json!({"type": "input_audio_buffer.committed", "item_id": id, "previous_item_id": null}),
        ];
        let last = json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": id,
                          "content_index": 0, "transcript": utterance.text()});
        self.number += 1;
        self.told_words = 0;
        (said.iter().map(Value::to_string).collect(), last.to_string())
    }

    fn farewell(&mut self) -> Vec<String> {
        let empty = json!({"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty"});
        vec![json!({"type": "error", "event_id": "town", "error": empty}).to_string()]
    }
}

/// What a session is to be; a session that hears anything but 8 kHz µ-law is none of ours.
fn settled(message: &Value) -> Asked {
    let input = message.pointer("/session/audio/input").unwrap_or(&Value::Null);
    let text = |path: &str| input.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("/format/type") == "audio/pcmu" {
        Asked::Settled(text("/transcription/language"), text("/transcription/model"))
    } else {
        Asked::Gone
    }
}
