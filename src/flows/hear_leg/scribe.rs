//! The writing side of one heard leg: writes utterances, gaps and how well the leg is heard, beats the stream's pulse. While
//! the database is away words wait in the bounded channels of the listener and its engine.

use super::{Missed, Tally, insist, listener::News};
use crate::{
    app::App,
    domain::{
        ids::{GapId, OrgId, UtteranceId},
        people::Actor,
        transcript::{WordTime, timed},
    },
    error::Error,
    live::{Live, LiveEvent},
    ports::{
        clock::Clock,
        speech::{Heard, TimedWord},
    },
    store::{
        Db,
        gaps::{self, Gap, GapReason},
        pulses::Pulse,
        streams::{self, BegunStream, Consent, Kept, Turn, Utterance},
    },
};
use chrono::{DateTime, Utc};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

/// How often the pulse is written.
const BEAT: Duration = Duration::from_secs(1);
/// How long a write is tried again while the database is away.
const WRITE_WITHIN: Duration = Duration::from_mins(1);

/// The parts of the application that outlive the socket's borrow of it.
pub(super) struct Desk {
    actor: Actor,
    db: Db,
    clock: Arc<dyn Clock>,
    live: Live,
}

impl Desk {
    pub(super) fn of(app: &App, org: OrgId) -> Self {
        Self { actor: Actor::careline(org), db: app.db.clone(), clock: app.clock.clone(), live: app.live.clone() }
    }
}

pub(super) struct Scribe {
    pub(super) desk: Desk,
    pub(super) stream: BegunStream,
    pub(super) tally: Arc<Tally>,
    pub(super) missed: mpsc::Receiver<Missed>,
    pub(super) news: mpsc::Receiver<News>,
}

/// Something to be written that must not be lost.
enum Entry<'a> {
    /// Words, and the newest change of who may be listened to by which they were judged.
    Words(&'a Utterance, u32),
    Gap(&'a Gap),
    Turned(Turn, DateTime<Utc>),
    End(DateTime<Utc>),
}

/// What happens next on a stream.
enum Next {
    Missed(Missed),
    News(Option<News>),
    Beat,
}

impl Scribe {
    /// Writes until the listener has said its last word, then the end.
    pub(super) async fn run(mut self) {
        self.publish(LiveEvent::CallMoved);
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = tokio::select! {
                Some(missed) = self.missed.recv() => Next::Missed(missed),
                news = self.news.recv() => Next::News(news),
                _ = beats.tick() => Next::Beat,
            };
            match next {
                Next::Missed(missed) | Next::News(Some(News::Missed(missed))) => self.write_gap(missed).await,
                Next::News(Some(News::Heard(heard))) => self.write(heard).await,
                Next::News(Some(News::Turned(turn))) => self.write_turn(turn).await,
                Next::News(None) => break,
                Next::Beat => self.beat().await,
            }
        }
        // The socket's side went before the listener did; what it had to tell is all here.
        while let Some(missed) = self.missed.recv().await {
            self.write_gap(missed).await;
        }
        self.keep_trying(&Entry::End(self.desk.clock.now())).await;
        self.publish(LiveEvent::CallMoved);
    }

    async fn write(&self, heard: Heard) {
        // Words that were on their way when consent was withdrawn go no further.
        if !self.tally.may_keep.load(Relaxed) {
            return;
        }
        let speaker = self.stream.voice.word();
        let (text, from_ms, to_ms, lost_words, words, confidence) = match heard {
            Heard::Interim { .. } if self.tally.quiet.now().is_some() => return,
            Heard::Interim { text } => return self.publish(LiveEvent::Interim { speaker, text }),
            Heard::Final { text, from_ms, to_ms, lost_words, words, confidence } => {
                (text, from_ms, to_ms, lost_words, words, confidence)
            }
        };
        let utterance = Utterance {
            id: UtteranceId::at(self.desk.clock.now()),
            words: timed(text.reveal(), &since(from_ms, words)),
            text,
            from: self.stream.instant(from_ms),
            to: self.stream.instant(to_ms),
            lost_words,
            confidence: confidence.map(|percent| percent.0.min(100)),
        };
        loop {
            let known = self.tally.quiet.revision();
            if self.tally.is_in_doubt(from_ms, to_ms) {
                return self.write_gap(Missed { from_ms, to_ms, reason: GapReason::NotHeard }).await;
            }
            match self.keep_trying(&Entry::Words(&utterance, known)).await {
                Some(Kept::NotYet(hushing)) => self.tally.learn(&hushing, self.desk.clock.now()),
                Some(Kept::Yes) => return self.publish(LiveEvent::Utterance { speaker, text: utterance.text }),
                Some(Kept::No) | None => return,
            }
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
            reason: missed.reason,
        };
        if self.keep_trying(&Entry::Gap(&gap)).await.is_some() {
            self.publish(LiveEvent::CallMoved);
        }
    }

    /// Writes how well the leg is heard; whoever looks at the call is told to read it again.
    async fn write_turn(&self, turn: Turn) {
        if self.keep_trying(&Entry::Turned(turn, self.desk.clock.now())).await.is_some() {
            self.publish(LiveEvent::CallMoved);
        }
    }

    /// Writes the pulse once; a missed beat is made good by the next.
    async fn beat(&self) {
        match self.try_beat().await {
            Ok(Pulse::Alive(consent, hushing)) => {
                self.tally.learn(&hushing, self.desk.clock.now());
                self.tally.may_keep.store(consent == Consent::Given, Relaxed);
            }
            Ok(Pulse::Superseded) => self.tally.is_over.store(true, Relaxed),
            Err(error) => tracing::warn!(stream = %self.stream.id, error = %error, "a stream's pulse was not written"),
        }
    }

    async fn try_beat(&self) -> Result<Pulse, Error> {
        self.desk.db.beat(&self.desk.actor, &self.stream, self.heard_at(), self.tally.counted()).await
    }

    /// Tries a write again while the database is away. `None` when it was given up; the log names the stream only.
    async fn keep_trying(&self, entry: &Entry<'_>) -> Option<Kept> {
        let written = insist(Instant::now() + WRITE_WITHIN, || self.try_write(entry)).await;
        written
            .inspect_err(|error| {
                tracing::error!(stream = %self.stream.id, error = %error, "what a leg said or missed was not written");
            })
            .ok()
    }

    async fn try_write(&self, entry: &Entry<'_>) -> Result<Kept, Error> {
        let (actor, stream, now) = (&self.desk.actor, &self.stream, self.desk.clock.now());
        let mut tx = self.desk.db.begin(actor).await?;
        let kept = match entry {
            Entry::Words(utterance, known) => {
                streams::add_utterance(&mut tx, actor, stream, utterance, *known, now).await?
            }
            Entry::Gap(gap) => {
                gaps::add(&mut tx, actor, gap, now).await?;
                Kept::Yes
            }
            Entry::Turned(turn, at) => {
                streams::add_turn(&mut tx, actor, stream, *turn, *at).await?;
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

/// Words with their times since their utterance began.
fn since(from_ms: u64, words: Vec<TimedWord>) -> Vec<(String, WordTime)> {
    let offset = |ms: u64| u32::try_from(ms.saturating_sub(from_ms)).unwrap_or(u32::MAX);
    let timed = |word: TimedWord| {
        let (from_ms, to_ms) = (offset(word.from_ms), offset(word.to_ms.max(word.from_ms)));
        let confidence = word.confidence.map(|percent| percent.0.min(100));
        (word.text.into_revealed(), WordTime { from_ms, to_ms, confidence })
    };
    words.into_iter().map(timed).collect()
}
