//! The recording of one heard leg. The socket's side (`Tape`) cuts frames into chunks and never waits; the writing side seals
//! each chunk, puts it into the object store whole or not at all, and makes it known in one transaction that asks for consent
//! again. What is slow or away makes sealed chunks wait in a bounded spool, in order; what does not fit becomes a gap that is
//! told. A crash loses the chunk that is being filled and those that wait.

use super::{AGAIN, Missed, Tally, insist};
use crate::{
    app::{App, Vault},
    domain::{
        file_format::{ChunkPlace, FileKind, FilePlace},
        floor::Hushing,
        ids::{FileId, GapId, OrgId},
        people::Actor,
        recording::{Cut, Cutter, peaks},
        sealed::Sealed,
        tones::FRAME_MS,
    },
    error::{Error, Verdict},
    live::{Live, LiveEvent},
    ports::{
        Outage, OutageKind,
        clock::Clock,
        objects::{ObjectKey, Objects},
    },
    store::{
        Db,
        gaps::{self, Gap, GapReason},
        recordings::{self, Fate, NewChunk},
        streams::BegunStream,
    },
};
use chrono::{DateTime, Utc};
use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

/// Finished chunks that wait to be sealed.
const WAITING_CUTS: usize = 4;
/// Sealed chunks that wait to be written: 75 seconds of audio, for a database that is away for a minute.
const SPOOL: usize = 15;
/// How long a chunk is tried before it becomes a gap.
const KEEP_WITHIN: Duration = Duration::from_secs(90);
/// How long the object store may take for one chunk.
const PUT_WITHIN: Duration = Duration::from_secs(15);
/// No call is longer than a day, in milliseconds; a frame that says it is later has a clock that nothing can be laid out by.
const LONGEST_MS: u64 = 86_400_000;
/// Stretches that wait to be told as gaps; further ones grow the last.
const WAITING_GAPS: usize = 64;

/// Stretches that were heard and not kept, shared by whoever finds one.
#[derive(Clone, Default)]
struct Unkept(Arc<Mutex<Vec<Missed>>>);

impl Unkept {
    fn add(&self, from_ms: u64, to_ms: u64) {
        let mut stretches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = stretches.len() >= WAITING_GAPS;
        match stretches.last_mut() {
            Some(last) if is_full || from_ms <= last.to_ms.saturating_add(FRAME_MS) => {
                last.from_ms = last.from_ms.min(from_ms);
                last.to_ms = last.to_ms.max(to_ms);
            }
            Some(_) | None => stretches.push(Missed { from_ms, to_ms, reason: GapReason::NotRecorded }),
        }
    }

    fn take(&self) -> Option<Missed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// The socket's side. Dropping it ends the recording of the leg with what was begun.
pub(super) struct Tape {
    cutter: Cutter,
    finished: mpsc::Sender<Cut>,
    unkept: Unkept,
}

impl Tape {
    /// Takes a frame that consent stands for.
    pub(super) fn take(&mut self, at_ms: u64, frame: &[u8]) {
        if at_ms > LONGEST_MS {
            return;
        }
        if let Some(cut) = self.cutter.take(at_ms, frame) {
            self.hand_over(cut);
        }
    }

    /// Consent does not stand: what was begun is forgotten.
    pub(super) fn forget(&mut self) {
        self.cutter = Cutter::default();
    }

    /// Nobody is to listen from here on: what was begun is kept.
    pub(super) fn pause(&mut self) {
        if let Some(cut) = self.cutter.finish() {
            self.hand_over(cut);
        }
    }

    fn hand_over(&self, cut: Cut) {
        if let Err(mpsc::error::TrySendError::Full(cut)) = self.finished.try_send(cut) {
            self.unkept.add(cut.at_ms, cut.until_ms());
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.pause();
    }
}

/// The writing side.
pub(super) struct Recorder {
    actor: Actor,
    db: Db,
    clock: Arc<dyn Clock>,
    vault: Vault,
    objects: Arc<dyn Objects>,
    live: Live,
    stream: BegunStream,
    tally: Arc<Tally>,
    unkept: Unkept,
}

/// A chunk that may lie anywhere: only its keys open it.
struct SealedCut {
    place: FilePlace,
    number: u32,
    at_ms: u64,
    until_ms: u64,
    from: DateTime<Utc>,
    samples: usize,
    peaks: Vec<i16>,
    header: Sealed,
    object: Vec<u8>,
    deadline: Instant,
}

/// How much was kept.
#[derive(Clone, Copy, Default)]
struct Kept {
    chunks: u64,
    samples: u64,
}

/// The two sides of one leg's recording; the second ends when the first is dropped.
pub(super) fn record(
    app: &App,
    org: OrgId,
    stream: &BegunStream,
    tally: &Arc<Tally>,
) -> (Tape, impl Future<Output = ()> + use<>) {
    let (finished, cuts) = mpsc::channel(WAITING_CUTS);
    let unkept = Unkept::default();
    let recorder = Recorder {
        actor: Actor::careline(org),
        db: app.db.clone(),
        clock: app.clock.clone(),
        vault: app.vault.clone(),
        objects: app.objects.clone(),
        live: app.live.clone(),
        stream: stream.clone(),
        tally: tally.clone(),
        unkept: unkept.clone(),
    };
    (Tape { cutter: Cutter::default(), finished, unkept }, recorder.run(cuts))
}

impl Recorder {
    async fn run(self, cuts: mpsc::Receiver<Cut>) {
        let (sealed, spool) = mpsc::channel(SPOOL);
        let ((), kept) = tokio::join!(self.seal_all(cuts, sealed), self.keep_all(spool));
        self.close(kept).await;
    }

    async fn seal_all(&self, mut cuts: mpsc::Receiver<Cut>, sealed: mpsc::Sender<SealedCut>) {
        let mut number = 0_u32;
        while let Some(cut) = cuts.recv().await {
            // A chunk that was on its way when consent was withdrawn goes no further.
            if !self.tally.may_keep.load(Relaxed) {
                continue;
            }
            let found_room = match self.seal(&cut, number).await {
                Some(chunk) => sealed.try_send(chunk).is_ok(),
                None => false,
            };
            if !found_room {
                self.unkept.add(cut.at_ms, cut.until_ms());
            }
            number = number.saturating_add(1);
        }
    }

    /// Seals a chunk for its place; tried again while the keys are away.
    async fn seal(&self, cut: &Cut, number: u32) -> Option<SealedCut> {
        let deadline = Instant::now() + KEEP_WITHIN;
        let sealed = insist(deadline, || self.try_seal(cut, number, deadline)).await;
        sealed
            .inspect_err(|error| {
                tracing::error!(stream = %self.stream.id, cause = %error.cause(), "a chunk of a recording was not sealed");
            })
            .ok()
    }

    async fn try_seal(&self, cut: &Cut, number: u32, deadline: Instant) -> Result<SealedCut, Error> {
        // The database keeps microseconds, and the instant is bound in.
        let from = self.stream.instant(cut.at_ms);
        let from = DateTime::from_timestamp_micros(from.timestamp_micros()).unwrap_or(from);
        let (call, leg) = (self.stream.call, self.stream.leg);
        let kind = FileKind::Recording(ChunkPlace { call, leg, number, from_micros: from.timestamp_micros() });
        let file = FileId::at(self.clock.now());
        let place = FilePlace { org: self.actor.org, patient: self.stream.patient, file, kind };
        let (mut writer, header) = self.vault.begin_file(place).await?;
        let mut object = writer.write(&cut.ulaw)?;
        object.extend(writer.finish()?);
        let (at_ms, until_ms) = (cut.at_ms, cut.until_ms());
        let (samples, peaks) = (cut.ulaw.len(), peaks(&cut.ulaw));
        Ok(SealedCut { place, number, at_ms, until_ms, from, samples, peaks, header, object, deadline })
    }

    async fn keep_all(&self, mut spool: mpsc::Receiver<SealedCut>) -> Kept {
        let mut kept = Kept::default();
        while let Some(chunk) = spool.recv().await {
            match self.keep(&chunk).await {
                Some(Fate::Known) => {
                    kept.chunks = kept.chunks.saturating_add(1);
                    kept.samples = kept.samples.saturating_add(u64::try_from(chunk.samples).unwrap_or(0));
                    self.tell_unkept(Instant::now()).await;
                }
                Some(Fate::Refused) => self.remove(&chunk).await,
                Some(Fate::NotYet(_)) => {
                    self.remove(&chunk).await;
                    self.unkept.add(chunk.at_ms, chunk.until_ms);
                }
                None => self.unkept.add(chunk.at_ms, chunk.until_ms),
            }
        }
        kept
    }

    /// Puts a chunk and makes it known; tried again while something is away. `None` when it was given up.
    async fn keep(&self, chunk: &SealedCut) -> Option<Fate> {
        let kept = match insist(chunk.deadline, || self.put(chunk)).await {
            Ok(Some(())) => insist(chunk.deadline, || self.make_known(chunk)).await,
            Ok(None) => Ok(Fate::Refused),
            Err(error) => Err(error),
        };
        kept.inspect_err(|error| {
            tracing::error!(stream = %self.stream.id, cause = %error.cause(), "a chunk of a recording was not kept");
        })
        .ok()
    }

    /// `None` when it may not be kept any more.
    async fn put(&self, chunk: &SealedCut) -> Result<Option<()>, Error> {
        if !self.tally.may_keep.load(Relaxed) {
            return Ok(None);
        }
        let key = ObjectKey::of(&chunk.place);
        timeout(PUT_WITHIN, self.objects.put(&key, chunk.object.clone())).await.map_err(|_| slow())??;
        Ok(Some(()))
    }

    async fn make_known(&self, chunk: &SealedCut) -> Result<Fate, Error> {
        if !self.tally.may_keep.load(Relaxed) {
            return Ok(Fate::Refused);
        }
        loop {
            let known = self.tally.quiet.revision();
            if self.tally.is_in_doubt(chunk.at_ms, chunk.until_ms) {
                return Ok(Fate::NotYet(Hushing::default()));
            }
            match self.try_make_known(chunk, known).await? {
                Fate::NotYet(hushing) => self.tally.learn(&hushing, self.clock.now()),
                fate @ (Fate::Known | Fate::Refused) => return Ok(fate),
            }
        }
    }

    async fn try_make_known(&self, chunk: &SealedCut, known: u32) -> Result<Fate, Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin(&self.actor).await?;
        let new = NewChunk {
            place: chunk.place,
            number: chunk.number,
            from: chunk.from,
            samples: chunk.samples,
            peaks: &chunk.peaks,
            header: &chunk.header,
            known,
        };
        let fate = recordings::add(&mut tx, &self.actor, &self.stream, &new, now).await?;
        tx.commit().await?;
        Ok(fate)
    }

    /// Removes what the record does not know. What cannot be removed can be opened by nobody: its key was never stored.
    async fn remove(&self, chunk: &SealedCut) {
        if let Ok(Err(outage)) = timeout(PUT_WITHIN, self.objects.remove(&ObjectKey::of(&chunk.place))).await {
            tracing::warn!(stream = %self.stream.id, error = %outage, "an object without a key was left behind");
        }
    }

    /// Tells what was not kept; tried again until an instant.
    async fn tell_unkept(&self, until: Instant) {
        while let Some(missed) = self.unkept.take() {
            let told = self.try_tell(missed).await;
            let Err(error) = told else {
                self.live.publish(self.actor.org, self.stream.call, LiveEvent::CallMoved);
                continue;
            };
            self.unkept.add(missed.from_ms, missed.to_ms);
            if error.verdict() != Verdict::TryLater || Instant::now() >= until {
                tracing::warn!(stream = %self.stream.id, cause = %error.cause(), "a gap of a recording was not told yet");
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn try_tell(&self, missed: Missed) -> Result<(), Error> {
        let now = self.clock.now();
        let gap = Gap {
            id: GapId::at(now),
            call: self.stream.call,
            leg: self.stream.leg,
            patient: self.stream.patient,
            from: self.stream.instant(missed.from_ms),
            to: self.stream.instant(missed.to_ms),
            reason: GapReason::NotRecorded,
        };
        let mut tx = self.db.begin(&self.actor).await?;
        gaps::add(&mut tx, &self.actor, &gap, now).await?;
        tx.commit().await
    }

    /// The leg is over: what was not kept is told, and how much was.
    async fn close(&self, kept: Kept) {
        let until = Instant::now() + KEEP_WITHIN;
        self.tell_unkept(until).await;
        if kept.chunks == 0 {
            return;
        }
        if let Err(error) = insist(until, || self.try_close(kept)).await {
            tracing::error!(stream = %self.stream.id, cause = %error.cause(), "the end of a recording was not written");
        }
    }

    async fn try_close(&self, kept: Kept) -> Result<(), Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin(&self.actor).await?;
        recordings::ended(&mut tx, &self.actor, &self.stream, kept.chunks, kept.samples, now).await?;
        tx.commit().await
    }
}

fn slow() -> Error {
    Outage { dependency: "objects", kind: OutageKind::TimedOut }.into()
}
