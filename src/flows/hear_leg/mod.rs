//! Hears one leg: forked audio in, utterances of a known speaker and its track of the recording out. Without consent to
//! record nothing is transcribed or kept, and nothing of whoever is on hold or muted. The socket's side (`Ear`) never waits for database, transcriber or object store:
//! what they cannot take is dropped, counted and told as a gap, so that one slow dependency holds up no socket and memory
//! stays bounded.

mod aloud;
mod hush;
mod listener;
mod recorder;
pub mod replay;
mod scribe;

use crate::{
    app::App,
    domain::{
        credential::{CredentialKind, place},
        frame_order::{FrameOrder, InOrder},
        ids::{CredentialId, OrgId},
        people::Actor,
        private::Private,
        sealed::Sealed,
        tones::{FRAME, FRAME_MS, SILENCE},
    },
    error::{Error, Verdict},
    live::Quiet,
    ports::{
        Outage, OutageKind,
        phone::MediaNews,
        speech::{Listen, Sound, SpeechKey},
    },
    store::{
        credentials,
        gaps::GapReason,
        streams::{self, Consent, Counted},
    },
};
use aloud::Aloud;
use chrono::{DateTime, Utc};
use hush::{Doubts, Hushed};
use listener::{Hark, Listener};
use recorder::Tape;
use replay::Stretch;
use scribe::{Desk, Scribe};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

/// Lost frames in a row from which on a gap is told: 100 ms, about a syllable.
const GAP_FRAMES: u64 = 5;
/// Gaps that wait for the database; further ones grow the last.
const WAITING_GAPS: usize = 64;
/// Pause between two tries of a write.
const AGAIN: Duration = Duration::from_millis(500);

/// Whether more is wanted of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Go on.
    Listening,
    /// The stream has ended, or another has taken its place: close the socket.
    Over,
}

/// Tries again while something is away, until an instant.
async fn insist<T, F>(deadline: Instant, attempt: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        match attempt().await {
            Err(error) if error.verdict() == Verdict::TryLater && Instant::now() < deadline => {
                tokio::time::sleep(AGAIN).await;
            }
            outcome => return outcome,
        }
    }
}

/// One leg being heard. Dropping it ends the stream like `end` does, except that nobody waits for the last words.
pub struct Ear {
    order: FrameOrder<Frame>,
    listener: mpsc::Sender<Sound>,
    tell: mpsc::Sender<Missed>,
    tally: Arc<Tally>,
    unheard: Unheard,
    untold: Option<Missed>,
    hushed: Option<Hushed>,
    tape: Tape,
    aloud: Aloud,
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

/// A stretch of a stream that was not heard, in its own milliseconds, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missed {
    from_ms: u64,
    to_ms: u64,
    reason: GapReason,
}

impl Missed {
    const fn of(stretch: Stretch, reason: GapReason) -> Self {
        Self { from_ms: stretch.from_ms, to_ms: stretch.to_ms, reason }
    }
}

/// What the socket's side tells the writing side, without waiting.
pub(super) struct Tally {
    frames: AtomicU64,
    lost: AtomicU64,
    last_ms: AtomicU64,
    heard_at_micros: AtomicI64,
    may_keep: AtomicBool,
    is_over: AtomicBool,
    quiet: Arc<Quiet>,
    doubts: Doubts,
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
    let own = credentials::sealed(&mut tx, CredentialKind::SpeechApi).await?;
    tx.commit().await?;
    let wanted = speech_key(app, org, own).await.map(|key| Listen { language: begun.language, key });
    let quiet = app.live.quiet(org, begun.leg);
    quiet.learn(&begun.hushing);
    let tally = Arc::new(Tally {
        frames: AtomicU64::new(0),
        lost: AtomicU64::new(0),
        last_ms: AtomicU64::new(0),
        heard_at_micros: AtomicI64::new(now.timestamp_micros()),
        may_keep: AtomicBool::new(begun.consent == Consent::Given),
        is_over: AtomicBool::new(false),
        quiet,
        doubts: Doubts::default(),
    });
    let (tell, missed) = mpsc::channel(WAITING_GAPS);
    let (sound, sounds) = mpsc::channel(listener::AUDIO_ROOM);
    let (say, news) = mpsc::channel(listener::NEWS_ROOM);
    let listener = Listener {
        engines: app.speech.clone(),
        wanted,
        clock: app.clock.clone(),
        tally: tally.clone(),
        tell: say,
        ear: Hark::default(),
    };
    let aloud = Aloud::of(&app.live, org, &begun);
    let (tape, recording) = recorder::record(app, org, &begun, &tally);
    let recorder = tokio::spawn(recording);
    let scribe = Scribe { desk: Desk::of(app, org), stream: begun, tally: tally.clone(), missed, news };
    tokio::spawn(listener.run(sounds));
    let scribe = tokio::spawn(scribe.run());
    let (order, unheard) = (FrameOrder::default(), Unheard::default());
    let hushed = None;
    Ok(Ear { order, listener: sound, tell, tally, unheard, untold: None, hushed, tape, aloud, scribe, recorder })
}

/// The account a leg is heard on. An organization's own key that cannot be opened is not replaced by another's.
async fn speech_key(app: &App, org: OrgId, own: Option<(CredentialId, Sealed)>) -> Result<SpeechKey, Outage> {
    let Some((id, sealed)) = own else { return Ok(SpeechKey::Configured) };
    let bytes = app.vault.open(place(org, id), &sealed).await?.into_revealed();
    let unreadable = |_| Outage { dependency: "vault", kind: OutageKind::Refused("credential".to_owned()) };
    String::from_utf8(bytes).map(|key| SpeechKey::Own(Private::new(key))).map_err(unreadable)
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
                let frame = Frame { at_ms: timestamp_ms, bytes: ulaw };
                if self.order.passes(chunk) {
                    self.pass_frame(frame);
                } else {
                    let ordered = self.order.take(chunk, frame);
                    self.pass_on(ordered);
                }
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
        if let Some(hushed) = self.hushed.take() {
            self.tell_missed(hushed.until(to_ms));
        }
        drop((self.tell, self.listener));
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
            (self.unheard, self.hushed) = (Unheard::default(), None);
            self.tape.forget();
            return;
        }
        if self.is_hushed(at_ms) {
            self.unheard = Unheard::default();
            // The engine hears silence, so that it says its last words and knows what time it is.
            let _full = self.listener.try_send(Sound::Ulaw { at_ms, bytes: vec![SILENCE; FRAME] });
            return;
        }
        self.tape.take(at_ms, &frame.bytes);
        self.aloud.take(at_ms, &frame.bytes);
        if self.reaches_listener(frame) {
            self.tell_unheard(at_ms);
        } else {
            self.lose(1, at_ms);
        }
    }

    /// Whether nobody is to listen at this frame. Where that begins, what was heard before is cut off and kept; where it ends,
    /// the stretch is told with its reason.
    fn is_hushed(&mut self, at_ms: u64) -> bool {
        let now = self.tally.quiet.now();
        if self.hushed.map(|hushed| hushed.why) != now {
            self.tell_unheard(at_ms);
            if let Some(over) = self.hushed.take() {
                self.tell_missed(over.until(at_ms));
            }
            self.tape.pause();
            self.hushed = now.map(|why| Hushed { why, from_ms: at_ms });
        }
        now.is_some()
    }

    /// Hands a frame to the listener, after the news of what is missing before it. `false` when it has no room.
    fn reaches_listener(&self, frame: Frame) -> bool {
        // The news of a gap must come before the audio after it; both go or neither does.
        let lost = Sound::Lost { frames: self.unheard.frames };
        let sound = Sound::Ulaw { at_ms: frame.at_ms, bytes: frame.bytes };
        if self.unheard.frames == 0 {
            return self.listener.try_send(sound).is_ok();
        }
        match self.listener.try_reserve_many(2) {
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
        let fresh = Missed { from_ms: unheard.from_ms, to_ms, reason: GapReason::FramesLost };
        let fresh = (unheard.frames >= GAP_FRAMES).then_some(fresh);
        if let Some(missed) = fresh.or_else(|| self.untold.take()) {
            self.tell_missed(missed);
        }
    }

    /// Tells it, together with what could not be told before; while there is no room it waits.
    fn tell_missed(&mut self, missed: Missed) {
        let missed = match self.untold.take() {
            Some(before) => Missed { from_ms: before.from_ms.min(missed.from_ms), ..missed },
            None => missed,
        };
        if let Err(mpsc::error::TrySendError::Full(missed)) = self.tell.try_send(missed) {
            self.untold = Some(missed);
        }
    }
}
