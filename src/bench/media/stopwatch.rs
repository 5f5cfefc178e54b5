//! The stopwatch of the media bench: it stands where the production reader of the media protocol stands and notes how long
//! after its due instant each frame was read, at the hand of the ear. The generator writes the due instant where the provider
//! counts messages, which the product does not need: a leg's own audio is counted apart.

use super::{Flaw, monotonic_nanos};
use crate::ports::phone::{HookRefusal, MediaNews, MediaWire};
use serde::{Deserialize, Serialize};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Width of a class of delays, in microseconds.
const CLASS_MICROS: u64 = 25;
/// Classes: up to half a second; what is later is in the last.
const CLASSES: usize = 20_000;
/// Of so many frames a flawed reader loses one.
const ONE_OF: u64 = 100;

/// What the stopwatch shows: delays in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    /// Frames read.
    pub frames: u64,
    /// Half of them came within this.
    pub p50: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1,000.
    pub p999: u64,
}

/// A reader with a stopwatch.
pub struct Stopwatch {
    inner: Arc<dyn MediaWire>,
    flaw: Flaw,
    read: AtomicU64,
    delays: Vec<AtomicU64>,
}

impl Stopwatch {
    /// Over the production reader.
    #[must_use]
    pub fn over(inner: Arc<dyn MediaWire>, flaw: Flaw) -> Self {
        let delays = std::iter::repeat_with(AtomicU64::default).take(CLASSES).collect();
        Self { inner, flaw, read: AtomicU64::default(), delays }
    }

    /// Begins anew.
    pub fn begin(&self) {
        self.delays.iter().for_each(|class| class.store(0, Relaxed));
    }

    /// What it shows.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let frames = self.delays.iter().map(|class| class.load(Relaxed)).sum();
        let within = |share: u64| {
            let wanted = frames * share / 1_000;
            let mut so_far = 0;
            let at = self.delays.iter().position(|class| {
                so_far += class.load(Relaxed);
                so_far > wanted
            });
            u64::try_from(at.unwrap_or(CLASSES)).unwrap_or(u64::MAX).saturating_add(1).saturating_mul(CLASS_MICROS)
        };
        Shown { frames, p50: within(500), p99: within(990), p999: within(999) }
    }
}

impl MediaWire for Stopwatch {
    fn admit(&self, path: &str, signature: Option<&str>) -> Result<(), HookRefusal> {
        self.inner.admit(path, signature)
    }

    fn read(&self, message: &str) -> Result<MediaNews, HookRefusal> {
        let news = self.inner.read(message)?;
        let MediaNews::Audio { sequence, .. } = &news else { return Ok(news) };
        let micros = monotonic_nanos().saturating_sub(*sequence) / 1_000;
        let class = usize::try_from(micros / CLASS_MICROS).unwrap_or(CLASSES).min(CLASSES - 1);
        if let Some(class) = self.delays.get(class) {
            class.fetch_add(1, Relaxed);
        }
        let number = self.read.fetch_add(1, Relaxed);
        match self.flaw {
            Flaw::LosesFrames if number % ONE_OF == ONE_OF - 1 => Ok(MediaNews::Other),
            Flaw::LosesFrames | Flaw::Nothing => Ok(news),
        }
    }
}
