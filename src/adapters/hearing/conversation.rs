//! The conversation with an engine on its websocket: audio goes out as it comes, words come back, silence is bridged so that
//! the engine does not hang up, and at the end it is asked for its last words. What an engine's messages mean is its dialect.

use super::{
    ends, silence_for,
    socket::{self, Socket},
    timeline::Timeline,
};
use crate::{
    domain::{
        private::Private,
        tones::{FRAME, SILENCE},
    },
    ports::{
        Outage, OutageKind,
        speech::{Heard, Hearing, Percent, Sound, TimedWord},
    },
};
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_tungstenite::tungstenite::{self, Message, error::CapacityError};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};
use url::Url;

/// How long nothing may go to an engine before it is told that we are still there. Deepgram hangs up after 10 s and asks for
/// a sign every 3 to 5 s (<https://developers.deepgram.com/docs/audio-keep-alive>).
const SIGN_OF_LIFE: Duration = Duration::from_secs(4);
/// How long an engine may take over its last words.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);
/// How long one message may take to leave.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// What an engine's messages mean, and how it is spoken to.
pub trait Dialect: Send + 'static {
    /// The name of the engine in outages.
    const ENGINE: &'static str;

    /// What is said first.
    fn greeting(&self) -> Option<String>;

    /// Audio, as the engine takes it.
    fn audio(&self, ulaw: Vec<u8>) -> Message;

    /// The sign that we are still there, if the engine needs one.
    fn sign_of_life(&self) -> Option<String>;

    /// Asks for the last words.
    fn farewell(&mut self) -> String;

    /// What a message says.
    ///
    /// # Errors
    /// `Garbled` when it cannot be read, `Refused` with the engine's code when it says that it failed.
    fn read(&mut self, text: &str) -> Result<Vec<Said>, OutageKind>;
}

/// What an engine says, in its own time: milliseconds of the audio it got.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// Words so far.
    Interim {
        /// The words.
        text: Private<String>,
    },
    /// A finished utterance.
    Final {
        /// The words.
        text: Private<String>,
        /// When it began.
        from_ms: u64,
        /// When it ended.
        to_ms: u64,
        /// Its words one by one, where the engine gives them.
        words: Vec<TimedWord>,
        /// How sure it is.
        confidence: Option<Percent>,
    },
    /// It has said its last word.
    Over,
}

/// Opens a websocket and begins to converse. The engine is asked without anybody listening to the libraries below, for what
/// they write down are words of patients.
///
/// # Errors
/// When the engine cannot be reached, is too slow, or refuses.
pub async fn converse<D: Dialect>(
    http: &Client,
    address: Url,
    authorization: &str,
    dialect: D,
) -> Result<Hearing, Outage> {
    let outage = |kind| Outage { dependency: D::ENGINE, kind };
    let opened = socket::open(http, address, authorization).with_subscriber(NoSubscriber::default()).await;
    let mut socket = opened.map_err(outage)?;
    if let Some(greeting) = dialect.greeting() {
        send(&mut socket, Message::text(greeting)).await.map_err(outage)?;
    }
    let (hearing, sounds, tell) = ends();
    let talk = Talk { socket, dialect, timeline: Timeline::default(), tell, sent_at: Instant::now() };
    tokio::spawn(talk.run(sounds).with_subscriber(NoSubscriber::default()));
    Ok(hearing)
}

struct Talk<D> {
    socket: Socket,
    dialect: D,
    timeline: Timeline,
    tell: mpsc::Sender<Result<Heard, Outage>>,
    sent_at: Instant,
}

/// Whether a conversation goes on.
enum Course {
    On,
    Over,
}

impl<D: Dialect> Talk<D> {
    async fn run(mut self, mut sounds: mpsc::Receiver<Sound>) {
        if let Err(kind) = self.listen(&mut sounds).await {
            let _gone = self.tell.send(Err(Outage { dependency: D::ENGINE, kind })).await;
        }
        // Whether the engine says good-bye as well is its own affair.
        let _ = timeout(SEND_WITHIN, self.socket.close(None)).await;
    }

    async fn listen(&mut self, sounds: &mut mpsc::Receiver<Sound>) -> Result<(), OutageKind> {
        let mut until: Option<Instant> = None;
        loop {
            let alone_at = until.unwrap_or(self.sent_at + SIGN_OF_LIFE);
            tokio::select! {
                () = self.tell.closed() => return Ok(()),
                sound = sounds.recv(), if until.is_none() => match sound {
                    Some(sound) => self.pass_on(sound).await?,
                    None => {
                        let farewell = self.dialect.farewell();
                        self.send(Message::text(farewell)).await?;
                        until = Some(Instant::now() + LAST_WORDS_WITHIN);
                    }
                },
                // An engine that hangs up without saying that it has said everything has broken off.
                message = self.socket.next() => match self.hear(message).await? {
                    Course::On => {}
                    Course::Over => return Ok(()),
                },
                () = tokio::time::sleep_until(alone_at) => match until {
                    Some(_) => return Err(OutageKind::TimedOut),
                    None => self.show_life().await?,
                },
            }
        }
    }

    async fn show_life(&mut self) -> Result<(), OutageKind> {
        match self.dialect.sign_of_life() {
            Some(sign) => self.send(Message::text(sign)).await,
            None => {
                self.sent_at = Instant::now();
                Ok(())
            }
        }
    }

    async fn pass_on(&mut self, sound: Sound) -> Result<(), OutageKind> {
        let bytes = match sound {
            Sound::Ulaw { at_ms, bytes } => {
                self.timeline.note(at_ms, bytes.len());
                bytes
            }
            Sound::Lost { frames } => {
                let bytes = vec![SILENCE; FRAME * silence_for(frames)];
                self.timeline.note_silence(bytes.len());
                bytes
            }
        };
        if bytes.is_empty() {
            // Deepgram takes an empty message for the end of the audio.
            return Ok(());
        }
        let message = self.dialect.audio(bytes);
        self.send(message).await
    }

    async fn send(&mut self, message: Message) -> Result<(), OutageKind> {
        self.sent_at = Instant::now();
        send(&mut self.socket, message).await
    }

    async fn hear(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<Course, OutageKind> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(Course::On),
            // No engine speaks in bytes.
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => return Err(OutageKind::Garbled),
            Some(Ok(Message::Close(_))) | None => return Err(OutageKind::Broken),
            Some(Err(error)) => return Err(kind_of(&error)),
        };
        for said in self.dialect.read(&text)? {
            let heard = match said {
                Said::Over => return Ok(Course::Over),
                Said::Interim { text } => Heard::Interim { text },
                Said::Final { text, from_ms, to_ms, words, confidence } => {
                    self.finished(text, (from_ms, to_ms), words, confidence)
                }
            };
            if self.tell.send(Ok(heard)).await.is_err() {
                return Ok(Course::Over);
            }
        }
        Ok(Course::On)
    }

    fn finished(
        &self,
        text: Private<String>,
        (from_ms, to_ms): (u64, u64),
        words: Vec<TimedWord>,
        confidence: Option<Percent>,
    ) -> Heard {
        let moment = |engine_ms| self.timeline.stream_ms(engine_ms);
        let timed = |word: TimedWord| TimedWord { from_ms: moment(word.from_ms), to_ms: moment(word.to_ms), ..word };
        Heard::Final {
            text,
            from_ms: moment(from_ms),
            to_ms: moment(to_ms),
            lost_words: 0,
            words: words.into_iter().map(timed).collect(),
            confidence,
        }
    }
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), OutageKind> {
    match timeout(SEND_WITHIN, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(kind_of(&error)),
        Err(_) => Err(OutageKind::TimedOut),
    }
}

const fn kind_of(error: &tungstenite::Error) -> OutageKind {
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. } | CapacityError::TooManyHeaders)
        | tungstenite::Error::Utf8(_)
        | tungstenite::Error::Protocol(_) => OutageKind::Garbled,
        _ => OutageKind::Broken,
    }
}
