//! Speech to text: audio of one leg in, words out, while it is spoken.

use super::Outage;
use crate::domain::private::Private;
use async_trait::async_trait;
use std::fmt;
use tokio::sync::mpsc;

/// A transcriber.
#[async_trait]
pub trait Speech: Send + Sync {
    /// Begins to listen to one leg. Dropping `Hearing::audio` ends it; then `Hearing::words` runs dry.
    async fn listen(&self) -> Result<Hearing, Outage>;
}

/// One leg being listened to.
pub struct Hearing {
    /// Audio goes in here, bounded; a full channel means the engine does not keep up.
    pub audio: mpsc::Sender<Sound>,
    /// Words come out here.
    pub words: mpsc::Receiver<Heard>,
}

/// Audio of one leg, or the news that some of it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// 8 kHz µ-law, usually 160 bytes.
    Ulaw {
        /// Milliseconds since the stream began.
        at_ms: u64,
        /// The samples.
        bytes: Vec<u8>,
    },
    /// Frames that never arrived.
    Lost {
        /// How many frames of 20 ms.
        frames: u64,
    },
}

/// What was heard. It can be compared and not printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// Words so far of an utterance still being spoken; replaces the last interim text.
    Interim {
        /// The words so far.
        text: Private<String>,
    },
    /// A finished utterance.
    Final {
        /// The words.
        text: Private<String>,
        /// When it began, in milliseconds since the stream began.
        from_ms: u64,
        /// When it ended.
        to_ms: u64,
        /// Words that were spoken but could not be understood.
        lost_words: u32,
    },
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interim { .. } => f.write_str("Interim(private)"),
            Self::Final { from_ms, to_ms, .. } => write!(f, "Final(private, {from_ms} to {to_ms} ms)"),
        }
    }
}
