//! OpenAI's words: the session that only transcribes, audio appended to its buffer, and its events
//! (<https://platform.openai.com/docs/api-reference/realtime>). Each stretch of speech that the engine finds is an item;
//! transcripts of items may come in any order and are told in the order in which the items were spoken. The types of
//! `async-openai` for this API need its whole realtime client; these few are written here.

use crate::{
    adapters::hearing::{Dialect, Said},
    domain::{people::Language, private::Private},
    ports::OutageKind,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;
use std::collections::VecDeque;
use tokio_tungstenite::tungstenite::Message;

/// Most stretches of speech whose transcripts may be on their way.
const MOST_ITEMS: usize = 64;
/// Longest transcript of one item, in bytes.
const LONGEST: usize = 64 * 1024;
/// What the engine says when it is asked to commit audio and has none.
const NOTHING_TO_COMMIT: &str = "input_audio_buffer_commit_empty";

/// A live session.
pub struct Live {
    model: String,
    language: Language,
    /// Stretches of speech, in the order they began.
    items: VecDeque<Item>,
    /// Where the end of the audio stands.
    farewell: Farewell,
    /// Until when the engine has heard speech, in milliseconds.
    heard_ms: u64,
}

/// How far the end of the audio has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Farewell {
    NotYet,
    Asked,
    /// The engine has committed what was left, or had nothing left.
    Answered,
}

struct Item {
    id: String,
    from_ms: u64,
    to_ms: u64,
    interim: String,
    transcript: Option<String>,
}

/// An event of the engine, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "input_audio_buffer.speech_started")]
    Started { item_id: String, audio_start_ms: u64 },
    #[serde(rename = "input_audio_buffer.speech_stopped")]
    Stopped { item_id: String, audio_end_ms: u64 },
    #[serde(rename = "input_audio_buffer.committed")]
    Committed { item_id: String },
    #[serde(rename = "conversation.item.input_audio_transcription.delta")]
    Delta {
        item_id: String,
        #[serde(default)]
        delta: String,
    },
    #[serde(rename = "conversation.item.input_audio_transcription.completed")]
    Completed { item_id: String, transcript: String },
    #[serde(rename = "conversation.item.input_audio_transcription.failed")]
    Failed { error: Fault },
    #[serde(rename = "error")]
    Error { error: Fault },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    code: Option<String>,
}

impl Live {
    /// A session that has said nothing.
    #[must_use]
    pub fn new(model: &str, language: Language) -> Self {
        Self { model: model.to_owned(), language, items: VecDeque::new(), farewell: Farewell::NotYet, heard_ms: 0 }
    }

    fn item(&mut self, id: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    fn begin(&mut self, id: String, from_ms: u64) -> Result<(), OutageKind> {
        if self.item(&id).is_some() {
            return Ok(());
        }
        if self.items.len() == MOST_ITEMS {
            return Err(OutageKind::Garbled);
        }
        self.items.push_back(Item { id, from_ms, to_ms: from_ms, interim: String::new(), transcript: None });
        Ok(())
    }

    /// What can be told now: transcripts of the oldest items, as far as they are there, and the end.
    fn ripe(&mut self) -> Vec<Said> {
        let mut ripe = Vec::new();
        while let Some(item) = self.items.pop_front_if(|item| item.transcript.is_some()) {
            let Some(text) = item.transcript.filter(|text| !text.trim().is_empty()) else { continue };
            let (from_ms, to_ms) = (item.from_ms, item.to_ms.max(item.from_ms));
            ripe.push(Said::Final { text: Private::new(text), from_ms, to_ms, words: Vec::new(), confidence: None });
        }
        if self.farewell == Farewell::Answered && self.items.is_empty() {
            ripe.push(Said::Over);
        }
        ripe
    }

    fn fail(&mut self, fault: Fault) -> Result<Vec<Said>, OutageKind> {
        let code = fault.code.unwrap_or_default();
        if self.farewell == Farewell::Asked && code == NOTHING_TO_COMMIT {
            self.farewell = Farewell::Answered;
            return Ok(self.ripe());
        }
        let plain = code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if code == "rate_limit_exceeded" {
            return Err(OutageKind::Throttled);
        }
        Err(OutageKind::Refused(if plain && !code.is_empty() { code } else { "error".to_owned() }))
    }
}

impl Dialect for Live {
    const ENGINE: &'static str = super::ENGINE;

    fn greeting(&self) -> Option<String> {
        // Two letters (ISO 639-1) are what the engine takes.
        let language = match self.language {
            Language::English => "en",
            Language::Spanish => "es",
        };
        let input = json!({
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": self.model, "language": language},
            "turn_detection": {"type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": 500},
        });
        let session = json!({"type": "transcription", "audio": {"input": input}});
        Some(json!({"type": "session.update", "session": session}).to_string())
    }

    fn audio(&self, ulaw: Vec<u8>) -> Message {
        Message::text(json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(ulaw)}).to_string())
    }

    fn sign_of_life(&self) -> Option<String> {
        // The engine hangs up only when the session is an hour old.
        None
    }

    fn farewell(&mut self) -> String {
        self.farewell = Farewell::Asked;
        r#"{"type":"input_audio_buffer.commit"}"#.to_owned()
    }

    fn read(&mut self, text: &str) -> Result<Vec<Said>, OutageKind> {
        match serde_json::from_str(text).map_err(|_| OutageKind::Garbled)? {
            Event::Started { item_id, audio_start_ms } => {
                self.heard_ms = self.heard_ms.max(audio_start_ms);
                self.begin(item_id, audio_start_ms)?;
            }
            Event::Stopped { item_id, audio_end_ms } => {
                self.heard_ms = self.heard_ms.max(audio_end_ms);
                if let Some(item) = self.item(&item_id) {
                    item.to_ms = audio_end_ms;
                }
            }
            Event::Committed { item_id } => {
                // What is committed at our asking was never said to begin.
                let heard_ms = self.heard_ms;
                self.begin(item_id, heard_ms)?;
                if self.farewell == Farewell::Asked {
                    self.farewell = Farewell::Answered;
                }
            }
            Event::Delta { item_id, delta } => {
                let Some(item) = self.item(&item_id) else { return Ok(Vec::new()) };
                item.interim.push_str(&delta);
                if item.interim.len() > LONGEST {
                    return Err(OutageKind::Garbled);
                }
                return Ok(vec![Said::Interim { text: Private::new(item.interim.clone()) }]);
            }
            Event::Completed { item_id, transcript } => {
                if transcript.len() > LONGEST {
                    return Err(OutageKind::Garbled);
                }
                if let Some(item) = self.item(&item_id) {
                    item.transcript = Some(transcript);
                }
            }
            Event::Failed { error } | Event::Error { error } => return self.fail(error),
            Event::Other => {}
        }
        Ok(self.ripe())
    }
}
