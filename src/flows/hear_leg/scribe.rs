//! The writing side of one heard leg: keeps a transcriber, writes utterances and gaps, beats the stream's pulse. While
//! the database is away words wait in the transcriber's own bounded channel.

use super::Tally;
use crate::{
    app::App,
    domain::{
        ids::{GapId, OrgId, UtteranceId},
        people::Actor,
    },
    error::{Error, Verdict},
    live::{Live, LiveEvent},
    ports::{
        clock::Clock,
        speech::{Heard, Sound, Speech},
    },
    store::{
        Db,
        gaps::{self, Gap, GapReason},
        streams::{self, BegunStream, Consent, Kept, Pulse, Utterance},
    },
};
use chrono::{DateTime, Utc};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior},
};

/// How often the pulse is written.
const BEAT: Duration = Duration::from_secs(1);
/// How long a transcriber may take to begin: as long as the socket's buffers hold the audio meanwhile.
const LISTEN_WITHIN: Duration = Duration::from_secs(2);
/// Pause before a transcriber that failed is asked again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// How long a write is tried again while the database is away.
const WRITE_WITHIN: Duration = Duration::from_mins(1);
/// Pause between two tries of a write.
const WRITE_AGAIN: Duration = Duration::from_millis(500);
/// How long the last words may take after the audio has ended.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(10);

/// A stretch of a stream that was not heard, in its own milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missed {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

/// The parts of the application that outlive the socket's borrow of it.
pub(super) struct Desk {
    actor: Actor,
    db: Db,
    clock: Arc<dyn Clock>,
    speech: Arc<dyn Speech>,
    live: Live,
}

impl Desk {
    pub(super) fn of(app: &App, org: OrgId) -> Self {
        Self {
            actor: Actor::careline(org),
            db: app.db.clone(),
            clock: app.clock.clone(),
            speech: app.speech.clone(),
            live: app.live.clone(),
        }
    }
}

pub(super) struct Scribe {
    pub(super) desk: Desk,
    pub(super) stream: BegunStream,
    pub(super) tally: Arc<Tally>,
    pub(super) missed: mpsc::Receiver<Missed>,
    pub(super) engine: watch::Sender<Option<mpsc::Sender<Sound>>>,
}

/// Something to be written that must not be lost.
enum Entry<'a> {
    Words(&'a Utterance),
    Gap(&'a Gap),
    End(DateTime<Utc>),
}

/// What happens next on a stream.
enum Next {
    Missed(Option<Missed>),
    Heard(Option<Heard>),
    Beat,
    ListenAgain,
}

impl Scribe {
    /// Writes until the socket's side is gone, then the last words and the end.
    pub(super) async fn run(mut self, mut words: Option<mpsc::Receiver<Heard>>) {
        self.publish(LiveEvent::CallMoved);
        let mut listen_again_at = Instant::now() + LISTEN_AGAIN;
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_deaf = words.is_none() && self.tally.may_keep.load(Relaxed);
            let next = tokio::select! {
                missed = self.missed.recv() => Next::Missed(missed),
                heard = next_word(&mut words) => Next::Heard(heard),
                _ = beats.tick() => Next::Beat,
                () = tokio::time::sleep_until(listen_again_at), if is_deaf => Next::ListenAgain,
            };
            match next {
                Next::Missed(Some(missed)) => self.write_gap(missed).await,
                Next::Missed(None) => break,
                Next::Heard(Some(heard)) => self.write(heard).await,
                Next::Heard(None) => {
                    tracing::warn!(stream = %self.stream.id, "the transcriber stopped; another is begun");
                    self.stop_listening(&mut words);
                    listen_again_at = Instant::now() + LISTEN_AGAIN;
                }
                Next::Beat => self.beat(&mut words).await,
                Next::ListenAgain => {
                    words = self.listen().await;
                    listen_again_at = Instant::now() + LISTEN_AGAIN;
                }
            }
        }
        self.finish(words).await;
    }

    /// Begins a transcriber, if what is said may be kept.
    pub(super) async fn listen(&self) -> Option<mpsc::Receiver<Heard>> {
        if !self.tally.may_keep.load(Relaxed) {
            return None;
        }
        match tokio::time::timeout(LISTEN_WITHIN, self.desk.speech.listen()).await {
            Ok(Ok(hearing)) => {
                self.engine.send_replace(Some(hearing.audio));
                Some(hearing.words)
            }
            Ok(Err(outage)) => {
                tracing::warn!(stream = %self.stream.id, error = %outage, "no transcriber; the gap grows");
                None
            }
            Err(_) => {
                tracing::warn!(stream = %self.stream.id, "the transcriber did not begin in time; the gap grows");
                None
            }
        }
    }

    fn stop_listening(&self, words: &mut Option<mpsc::Receiver<Heard>>) {
        self.engine.send_replace(None);
        *words = None;
    }

    async fn write(&self, heard: Heard) {
        // Words that were on their way when consent was withdrawn go no further.
        if !self.tally.may_keep.load(Relaxed) {
            return;
        }
        let speaker = self.stream.voice.word();
        let (text, from_ms, to_ms, lost_words) = match heard {
            Heard::Interim { text } => return self.publish(LiveEvent::Interim { speaker, text }),
            Heard::Final { text, from_ms, to_ms, lost_words } => (text, from_ms, to_ms, lost_words),
        };
        let utterance = Utterance {
            id: UtteranceId::at(self.desk.clock.now()),
            text,
            from: self.stream.instant(from_ms),
            to: self.stream.instant(to_ms),
            lost_words,
        };
        if self.keep_trying(&Entry::Words(&utterance)).await == Some(Kept::Yes) {
            self.publish(LiveEvent::Utterance { speaker, text: utterance.text });
        }
    }

    async fn write_gap(&self, missed: Missed) {
        let gap = Gap {
            id: GapId::at(self.desk.clock.now()),
            call: self.stream.call,
            leg: self.stream.leg,
            patient: self.stream.patient,
            from: self.stream.instant(missed.from_ms),
            to: self.stream.instant(missed.to_ms),
            reason: GapReason::FramesLost,
        };
        if self.keep_trying(&Entry::Gap(&gap)).await.is_some() {
            self.publish(LiveEvent::CallMoved);
        }
    }

    /// Writes the pulse once; a missed beat is made good by the next.
    async fn beat(&self, words: &mut Option<mpsc::Receiver<Heard>>) {
        match self.try_beat().await {
            Ok(Pulse::Alive(Consent::Given)) => self.tally.may_keep.store(true, Relaxed),
            Ok(Pulse::Alive(Consent::NotGiven)) => {
                self.tally.may_keep.store(false, Relaxed);
                self.stop_listening(words);
            }
            Ok(Pulse::Superseded) => self.tally.is_over.store(true, Relaxed),
            Err(error) => tracing::warn!(stream = %self.stream.id, error = %error, "a stream's pulse was not written"),
        }
    }

    async fn try_beat(&self) -> Result<Pulse, Error> {
        let heard_at = self.heard_at();
        let mut tx = self.desk.db.begin(&self.desk.actor).await?;
        let pulse = streams::beat(&mut tx, self.stream.id, heard_at, self.tally.counted()).await?;
        tx.commit().await?;
        Ok(pulse)
    }

    /// The audio has ended: the transcriber says its last words, then the stream's row is closed.
    async fn finish(self, words: Option<mpsc::Receiver<Heard>>) {
        self.engine.send_replace(None);
        if let Some(mut words) = words {
            let deadline = Instant::now() + LAST_WORDS_WITHIN;
            while let Ok(Some(heard)) = tokio::time::timeout_at(deadline, words.recv()).await {
                self.write(heard).await;
            }
        }
        self.keep_trying(&Entry::End(self.desk.clock.now())).await;
        self.publish(LiveEvent::CallMoved);
    }

    /// Tries a write again while the database is away. `None` when it was given up; the log names the stream only.
    async fn keep_trying(&self, entry: &Entry<'_>) -> Option<Kept> {
        let deadline = Instant::now() + WRITE_WITHIN;
        loop {
            match self.try_write(entry).await {
                Ok(kept) => return Some(kept),
                Err(error) if error.verdict() == Verdict::TryLater && Instant::now() < deadline => {
                    tokio::time::sleep(WRITE_AGAIN).await;
                }
                Err(error) => {
                    tracing::error!(stream = %self.stream.id, error = %error, "what a leg said or missed was not written");
                    return None;
                }
            }
        }
    }

    async fn try_write(&self, entry: &Entry<'_>) -> Result<Kept, Error> {
        let (actor, stream, now) = (&self.desk.actor, &self.stream, self.desk.clock.now());
        let mut tx = self.desk.db.begin(actor).await?;
        let kept = match entry {
            Entry::Words(utterance) => streams::add_utterance(&mut tx, actor, stream, utterance, now).await?,
            Entry::Gap(gap) => {
                gaps::add(&mut tx, actor, gap, now).await?;
                Kept::Yes
            }
            Entry::End(at) => {
                let counted = self.tally.counted();
                streams::end(&mut tx, actor, stream, self.heard_at(), counted, *at).await?;
                Kept::Yes
            }
        };
        tx.commit().await?;
        Ok(kept)
    }

    fn publish(&self, event: LiveEvent) {
        self.desk.live.publish(self.desk.actor.org, self.stream.call, event);
    }

    fn heard_at(&self) -> DateTime<Utc> {
        self.tally.heard_at().unwrap_or(self.stream.started_at)
    }
}

/// The next word of the transcriber; never, when there is none.
async fn next_word(words: &mut Option<mpsc::Receiver<Heard>>) -> Option<Heard> {
    match words {
        Some(words) => words.recv().await,
        None => std::future::pending().await,
    }
}
