//! What engines that hear send: every message is read or refused, and what is read stays within bounds.

use careline::{
    adapters::{
        deepgram,
        hearing::{Dialect, Said},
        realtime, transcriptions,
    },
    domain::people::Language,
    ports::speech::Heard,
};

/// Most utterances one message of an engine can finish.
const MOST: usize = 64;

/// Messages of Deepgram, parted by a byte that no text has: an utterance never ends before it began.
pub fn deepgram(bytes: &[u8]) {
    converse(deepgram::wire::Live, bytes);
}

/// Events of OpenAI's Realtime API.
pub fn realtime(bytes: &[u8]) {
    converse(realtime::wire::Live::new("model", Language::Spanish), bytes);
}

/// A reply of a transcription server: words of a piece are never before the piece.
pub fn transcript(bytes: &[u8]) {
    if let Ok(Some(Heard::Final { words, .. })) = transcriptions::wire::read(bytes, 1_000, 2_000) {
        assert!(words.iter().all(|word| word.from_ms >= 1_000 && word.to_ms >= 1_000), "a word before its piece");
    }
}

fn converse(mut dialect: impl Dialect, bytes: &[u8]) {
    for text in super::parts(bytes) {
        let Ok(said) = dialect.read(&text) else { return };
        assert!(said.len() <= MOST + 1, "one message that says everything");
        for one in said {
            if let Said::Final { from_ms, to_ms, text, .. } = one {
                assert!(from_ms <= to_ms && !text.reveal().trim().is_empty());
            }
        }
    }
}
