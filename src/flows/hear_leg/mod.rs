//! Hears one leg: forked audio in, utterances of a known speaker and its track of the recording out. Without consent to
//! record nothing is transcribed or kept. The socket's side (`Ear`) never waits for database, transcriber or object store:
//! what they cannot take is dropped, counted and told as a gap, so that one slow dependency holds up no socket and memory
//! stays bounded.

mod recorder;
mod scribe;

use crate::{
    app::App,
    domain::{
        frame_order::{FrameOrder, InOrder},
        ids::OrgId,
        people::Actor,
    },
    error::Error,
    ports::{phone::MediaNews, speech::Sound},
    store::streams::{self, Consent, Counted},
};
use chrono::{DateTime, Utc};
use recorder::Tape;
use scribe::{Desk, Missed, Scribe};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// Milliseconds of audio in a frame.
const FRAME_MS: u64 = 20;
/// Lost frames in a row from which on a gap is told: 100 ms, about a syllable.
const GAP_FRAMES: u64 = 5;
/// Gaps that wait for the database; further ones grow the last.
const WAITING_GAPS: usize = 64;

/// Whether more is wanted of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Go on.
    Listening,
    /// The stream has ended, or another has taken its place: close the socket.
    Over,
}

/// One leg being heard. Dropping it ends the stream like `end` does, except that nobody waits for the last words.
pub struct Ear {
    order: FrameOrder<Frame>,
    engine: watch::Receiver<Option<mpsc::Sender<Sound>>>,
    tell: mpsc::Sender<Missed>,
    tally: Arc<Tally>,
    unheard: Unheard,
    untold: Option<Missed>,
    tape: Tape,
    scribe: JoinHandle<()>,
    recorder: JoinHandle<()>,
}

/// One frame of audio.
struct Frame {
    at_ms: u64,
    bytes: Vec<u8>,
}

/// Frames in a row that did not get through.
#[derive(Clone, Copy, Default)]
struct Unheard {
    frames: u64,
    from_ms: u64,
}

/// What the socket's side tells the writing side, without waiting.
pub(super) struct Tally {
    frames: AtomicU64,
    lost: AtomicU64,
    last_ms: AtomicU64,
    heard_at_micros: AtomicI64,
    may_keep: AtomicBool,
    is_over: AtomicBool,
}

impl Tally {
    fn counted(&self) -> Counted {
        Counted { frames: self.frames.load(Relaxed), lost: self.lost.load(Relaxed) }
    }

    fn heard_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.heard_at_micros.load(Relaxed))
    }
}

/// Burns a stream's token and begins to hear its leg.
///
/// # Errors
/// `Forbidden` when the token opens nothing: unknown, used, of a leg that left, or told by another call of the carrier;
/// otherwise when the database is away.
pub async fn begin(app: &App, org: OrgId, token: &str, stream_sid: &str, sid: &str) -> Result<Ear, Error> {
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    let begun = streams::begin(&mut tx, &actor, token, stream_sid, sid, now).await?.ok_or(Error::Forbidden)?;
    tx.commit().await?;
    let tally = Arc::new(Tally {
        frames: AtomicU64::new(0),
        lost: AtomicU64::new(0),
        last_ms: AtomicU64::new(0),
        heard_at_micros: AtomicI64::new(now.timestamp_micros()),
        may_keep: AtomicBool::new(begun.consent == Consent::Given),
        is_over: AtomicBool::new(false),
    });
    let (tell, missed) = mpsc::channel(WAITING_GAPS);
    let (hand, engine) = watch::channel(None);
    let (tape, recording) = recorder::record(app, org, &begun, &tally);
    let recorder = tokio::spawn(recording);
    let scribe = Scribe { desk: Desk::of(app, org), stream: begun, tally: tally.clone(), missed, engine: hand };
    // The first frames wait in the socket meanwhile; a transcriber that takes longer costs a gap.
    let words = scribe.listen().await;
    let scribe = tokio::spawn(scribe.run(words));
    let (order, unheard) = (FrameOrder::default(), Unheard::default());
    Ok(Ear { order, engine, tell, tally, unheard, untold: None, tape, scribe, recorder })
}

impl Ear {
    /// Takes one message of the socket at an instant of business time. Never waits.
    pub fn hear(&mut self, news: MediaNews, now: DateTime<Utc>) -> Attention {
        if self.tally.is_over.load(Relaxed) {
            return Attention::Over;
        }
        match news {
            MediaNews::Audio { chunk, timestamp_ms, ulaw, .. } => {
                self.tally.heard_at_micros.store(now.timestamp_micros(), Relaxed);
                self.tally.frames.fetch_add(1, Relaxed);
                let ordered = self.order.take(chunk, Frame { at_ms: timestamp_ms, bytes: ulaw });
                self.pass_on(ordered);
                Attention::Listening
            }
            MediaNews::Stop => Attention::Over,
            // A second start would need a second token; the first one is burnt.
            MediaNews::Connected | MediaNews::Start { .. } | MediaNews::Other => Attention::Listening,
        }
    }

    /// Ends the stream and waits until the last words and the last chunk are written.
    pub async fn end(mut self) {
        let rest = self.order.finish();
        self.pass_on(rest);
        let to_ms = self.tally.last_ms.load(Relaxed).saturating_add(FRAME_MS);
        self.tell_unheard(to_ms);
        drop(self.tell);
        drop(self.tape);
        // Both end by themselves; if they were torn down with the process, the next run tells the gap.
        let _ = tokio::join!(self.scribe, self.recorder);
    }

    fn pass_on(&mut self, ordered: Vec<InOrder<Frame>>) {
        for item in ordered {
            match item {
                InOrder::Missing(frames) => {
                    self.lose(frames, self.tally.last_ms.load(Relaxed).saturating_add(FRAME_MS));
                }
                InOrder::Frame(frame) => self.pass_frame(frame),
            }
        }
    }

    fn pass_frame(&mut self, frame: Frame) {
        let at_ms = frame.at_ms;
        self.tally.last_ms.store(at_ms, Relaxed);
        // Without consent the frame ends here: no transcriber hears it and nothing of it is told.
        if !self.tally.may_keep.load(Relaxed) {
            self.unheard = Unheard::default();
            self.tape.forget();
            return;
        }
        self.tape.take(at_ms, &frame.bytes);
        if self.reaches_engine(frame) {
            self.tell_unheard(at_ms);
        } else {
            self.lose(1, at_ms);
        }
    }

    /// Hands a frame to the transcriber, after the news of what is missing before it. `false` when it has no room.
    fn reaches_engine(&self, frame: Frame) -> bool {
        let engine = self.engine.borrow();
        let Some(engine) = engine.as_ref() else { return false };
        // The news of a gap must come before the audio after it; both go or neither does.
        let lost = Sound::Lost { frames: self.unheard.frames };
        let sound = Sound::Ulaw { at_ms: frame.at_ms, bytes: frame.bytes };
        if self.unheard.frames == 0 {
            return engine.try_send(sound).is_ok();
        }
        match engine.try_reserve_many(2) {
            Ok(room) => {
                for (place, sound) in room.zip([lost, sound]) {
                    place.send(sound);
                }
                true
            }
            Err(_) => false,
        }
    }

    fn lose(&mut self, frames: u64, from_ms: u64) {
        self.tally.lost.fetch_add(frames, Relaxed);
        if self.unheard.frames == 0 {
            self.unheard.from_ms = from_ms;
        }
        self.unheard.frames = self.unheard.frames.saturating_add(frames);
    }

    /// A row of lost frames has ended: tell it when it is long enough to have swallowed speech.
    fn tell_unheard(&mut self, to_ms: u64) {
        let unheard = std::mem::take(&mut self.unheard);
        let fresh = (unheard.frames >= GAP_FRAMES).then_some(Missed { from_ms: unheard.from_ms, to_ms });
        let missed = match (self.untold.take(), fresh) {
            (Some(before), Some(fresh)) => Missed { from_ms: before.from_ms, to_ms: fresh.to_ms },
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        if let Err(mpsc::error::TrySendError::Full(missed)) = self.tell.try_send(missed) {
            self.untold = Some(missed);
        }
    }
}
