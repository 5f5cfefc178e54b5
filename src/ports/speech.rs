//! Speech to text: audio of one leg in, words out, while it is spoken.

use super::Outage;
use crate::domain::{people::Language, private::Private};
use async_trait::async_trait;
use std::{fmt, sync::Arc};
use tokio::sync::mpsc;

/// An engine that hears.
#[async_trait]
pub trait Speech: Send + Sync {
    /// Which engine it is, for logs and outages: never a person, never a word that was said.
    fn name(&self) -> &'static str;

    /// Begins to listen to one leg. Dropping `Hearing::audio` ends it; then the last words come and `Hearing::words` runs
    /// dry. An engine that dies before says so as its last word: what it has not said finally is to be told again.
    ///
    /// # Errors
    /// When the engine cannot be reached, is too slow, or refuses.
    async fn listen(&self, wanted: &Listen) -> Result<Hearing, Outage>;
}

/// How a leg is to be listened to.
#[derive(Clone, PartialEq, Eq)]
pub struct Listen {
    /// The language that is probably spoken.
    pub language: Language,
    /// Whose account it is heard on.
    pub key: SpeechKey,
}

/// Whose account an engine hears on.
#[derive(Clone, PartialEq, Eq)]
pub enum SpeechKey {
    /// The one in the settings.
    Configured,
    /// The organization's own.
    Own(Private<String>),
}

/// One leg being listened to.
pub struct Hearing {
    /// Audio goes in here, bounded; a full channel means the engine does not keep up.
    pub audio: mpsc::Sender<Sound>,
    /// Words come out here. It runs dry after the audio has ended and all words are said, or after an outage.
    pub words: mpsc::Receiver<Result<Heard, Outage>>,
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
        /// Words that were spoken but could not be understood, where the engine knows.
        lost_words: u32,
        /// Each word with its time, where the engine gives them; otherwise empty.
        words: Vec<TimedWord>,
        /// How sure the engine is, where it says so.
        confidence: Option<Percent>,
    },
}

/// One word and when it was spoken.
#[derive(Clone, PartialEq, Eq)]
pub struct TimedWord {
    /// The word.
    pub text: Private<String>,
    /// When it began, in milliseconds since the stream began.
    pub from_ms: u64,
    /// When it ended.
    pub to_ms: u64,
    /// How sure the engine is, where it says so.
    pub confidence: Option<Percent>,
}

/// A share of a hundred, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u8);

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interim { .. } => f.write_str("Interim(private)"),
            Self::Final { from_ms, to_ms, .. } => write!(f, "Final(private, {from_ms} to {to_ms} ms)"),
        }
    }
}

/// The engines of an installation, in the order they are asked; there is always one.
#[derive(Clone)]
pub struct Engines {
    first: Arc<dyn Speech>,
    others: Vec<Arc<dyn Speech>>,
}

impl Engines {
    /// One engine and no other.
    #[must_use]
    pub fn only(first: Arc<dyn Speech>) -> Self {
        Self { first, others: Vec::new() }
    }

    /// With another engine, asked when those before it hear nothing.
    #[must_use]
    pub fn then(mut self, other: Arc<dyn Speech>) -> Self {
        self.others.push(other);
        self
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.others.len() + 1
    }

    /// The engine whose turn it is; after the last comes the first again.
    #[must_use]
    pub fn at(&self, turn: usize) -> &Arc<dyn Speech> {
        let place = turn % self.count();
        place.checked_sub(1).and_then(|place| self.others.get(place)).unwrap_or(&self.first)
    }
}
