//! The media sockets of this process: how many there may be, and how they are handed to another process when this one is
//! to end. A socket that closes ends no call: the conference is the carrier's, and the leg is forked again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Media sockets open at once in this process. A nurse team has tens of calls with two legs each; what a process can hear in
/// time is in `docs/benchmarks.md`.
const MOST: u32 = 4_000;
/// How long the last words and the last chunks may take once sockets are closed: an engine has ten seconds for its own.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(12);

/// The media sockets of one process.
pub struct Sockets {
    places: Arc<Semaphore>,
    is_leaving: AtomicBool,
    is_cut: AtomicBool,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(usize::try_from(MOST).unwrap_or(0))),
            is_leaving: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
        }
    }
}

impl Sockets {
    /// A place for one more; `None` when all are taken, or the process is about to end.
    #[must_use]
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        if self.is_leaving.load(Relaxed) {
            return None;
        }
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Whether whoever is heard here is to be heard elsewhere. Asked with every frame, so that it costs nothing while it is no.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut.load(Relaxed)
    }

    /// No new streams from now on.
    pub fn leave(&self) {
        self.is_leaving.store(true, Relaxed);
    }

    /// Those that run go on until they end or `cut` is cancelled; then they are closed, and what was heard is written.
    pub async fn drained(&self, cut: CancellationToken) {
        self.leave();
        tokio::select! {
            () = self.are_gone() => return,
            () = cut.cancelled() => self.is_cut.store(true, Relaxed),
        }
        if timeout(LAST_WORDS_WITHIN, self.are_gone()).await.is_err() {
            tracing::warn!("streams were cut off before their last words were written");
        }
    }

    async fn are_gone(&self) {
        // The semaphore is never closed.
        let _all = self.places.acquire_many(MOST).await;
    }
}
