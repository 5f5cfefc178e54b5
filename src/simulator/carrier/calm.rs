//! Whether the carrier has anything in hand at this moment: requests out, callbacks to deliver, people about to do
//! something. Whoever drives the town's clock by jumps waits for calm first, so that nothing is overtaken by time.

use super::Carrier;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// How many things are in hand.
#[derive(Debug, Default)]
pub(super) struct Bustle {
    count: AtomicUsize,
    calmed: Notify,
}

/// One thing in hand, until it is dropped.
#[derive(Debug)]
pub(super) struct InHand(Arc<Bustle>);

impl Drop for InHand {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.calmed.notify_waiters();
        }
    }
}

impl Carrier {
    /// Takes something in hand.
    pub(super) fn in_hand(&self) -> InHand {
        let bustle = &self.0.bustle;
        bustle.count.fetch_add(1, Ordering::SeqCst);
        InHand(Arc::clone(bustle))
    }

    /// Whether nothing is in hand: everybody waits for the clock, or for somebody else.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.0.bustle.count.load(Ordering::SeqCst) == 0
    }

    /// Waits until nothing is in hand.
    pub async fn calm(&self) {
        loop {
            let calmed = self.0.bustle.calmed.notified();
            tokio::pin!(calmed);
            // Registered before the look, so that a change between the two is not missed.
            calmed.as_mut().enable();
            if self.is_calm() {
                return;
            }
            calmed.await;
        }
    }
}
