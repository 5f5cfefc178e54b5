//! A person's voice on one leg: a frame every 20 ms, tones while they speak and silence otherwise, to every stream
//! that taps it.

use super::leg::Order;
use crate::domain::tones::{FRAME, SILENCE, frames};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// One numbered frame of 160 µ-law bytes; numbers begin at 1 and count frames that were thrown away too.
pub(super) type Frame = (u64, Vec<u8>);

/// How long one frame lasts.
const TICK: Duration = Duration::from_millis(20);
/// Frames kept for a receiver that does not keep up: two seconds. Then audio is thrown away, as the provider does.
const KEPT: usize = 100;

/// Who listens to a leg.
#[derive(Default)]
pub(super) struct Voice {
    taps: Mutex<Vec<Tap>>,
}

struct Tap {
    sid: String,
    name: Option<String>,
    last: u64,
    frames: mpsc::Sender<Frame>,
}

impl Voice {
    /// Begins to listen.
    pub(super) fn tap(&self, sid: &str, name: Option<String>) -> mpsc::Receiver<Frame> {
        let (frames, heard) = mpsc::channel(KEPT);
        self.taps().push(Tap { sid: sid.to_owned(), name, last: 0, frames });
        heard
    }

    /// Ends the stream of this sid or name; its sid, if there was one.
    pub(super) fn untap(&self, sid_or_name: &str) -> Option<String> {
        let mut taps = self.taps();
        let at = taps.iter().position(|tap| tap.sid == sid_or_name || tap.name.as_deref() == Some(sid_or_name))?;
        Some(taps.remove(at).sid)
    }

    fn emit(&self, bytes: &[u8]) {
        self.taps().retain_mut(|tap| {
            tap.last += 1;
            match tap.frames.try_send((tap.last, bytes.to_vec())) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            }
        });
    }

    fn taps(&self) -> MutexGuard<'_, Vec<Tap>> {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Speaks the lines one after the other until their sender is gone, and tells the leg when one is finished.
pub(super) async fn speak(voice: Arc<Voice>, mut lines: mpsc::Receiver<String>, leg: mpsc::WeakSender<Order>) {
    let silence = vec![SILENCE; FRAME];
    let mut ticks = tokio::time::interval(TICK);
    let mut talk: Option<(String, std::vec::IntoIter<Vec<u8>>)> = None;
    while !lines.is_closed() {
        ticks.tick().await;
        if talk.is_none() {
            talk = lines.try_recv().ok().map(|text| (text.clone(), frames(&text).into_iter()));
        }
        if let Some(frame) = talk.as_mut().and_then(|(_, frames)| frames.next()) {
            voice.emit(&frame);
        } else {
            voice.emit(&silence);
            if let (Some((text, _)), Some(leg)) = (talk.take(), leg.upgrade()) {
                // The leg always reads its orders, so a full channel means that it is over.
                let _ = leg.try_send(Order::Finished(text));
            }
        }
    }
    voice.taps().clear();
}
