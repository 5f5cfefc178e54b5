//! Live audio of a call, inside one process: from the legs that are heard here to those who listen here. It is never kept and
//! crosses no process. Nobody who listens holds up a leg: who is slow loses frames, and what waits is bounded.

use crate::domain::{
    ids::{CallId, LegId, OrgId},
    recording::Side,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::broadcast;

/// Frames that wait for whoever listens: a second and a quarter of one leg, 20 ms each.
const ROOM: usize = 64;

/// 20 ms of one leg, µ-law at 8 kHz. It is what somebody said, so it cannot be printed.
#[derive(Clone)]
pub struct AiredFrame {
    /// The leg.
    pub leg: LegId,
    /// Whose side of the call it is.
    pub side: Side,
    /// Milliseconds since the leg's stream began.
    pub at_ms: u64,
    /// The samples.
    pub ulaw: Arc<[u8]>,
}

impl fmt::Debug for AiredFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AiredFrame({}, {} ms, private)", self.leg, self.at_ms)
    }
}

type Stations = Mutex<HashMap<(OrgId, CallId), Weak<Station>>>;

/// The calls that are heard in this process.
#[derive(Clone, Default)]
pub struct Air {
    stations: Arc<Stations>,
}

/// One call that is heard here. It goes with the last leg.
struct Station {
    call: (OrgId, CallId),
    frames: broadcast::Sender<AiredFrame>,
    stations: Arc<Stations>,
}

impl Drop for Station {
    fn drop(&mut self) {
        let mut stations = self.stations.lock().unwrap_or_else(PoisonError::into_inner);
        // Another leg may have begun the station anew meanwhile.
        if stations.get(&self.call).is_some_and(|station| station.strong_count() == 0) {
            stations.remove(&self.call);
        }
    }
}

/// A leg's way to whoever listens to its call.
pub struct OnAir(Arc<Station>);

impl OnAir {
    /// Sends a frame, if anybody listens. Never waits.
    pub fn send(&self, leg: LegId, side: Side, at_ms: u64, ulaw: &[u8]) {
        if self.0.frames.receiver_count() > 0 {
            let _nobody = self.0.frames.send(AiredFrame { leg, side, at_ms, ulaw: ulaw.into() });
        }
    }
}

impl Air {
    /// A leg of a call begins to be heard here.
    #[must_use]
    pub fn go_on(&self, org: OrgId, call: CallId) -> OnAir {
        let mut stations = self.stations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(station) = stations.get(&(org, call)).and_then(Weak::upgrade) {
            return OnAir(station);
        }
        let (frames, _) = broadcast::channel(ROOM);
        let station = Arc::new(Station { call: (org, call), frames, stations: Arc::clone(&self.stations) });
        stations.insert((org, call), Arc::downgrade(&station));
        OnAir(station)
    }

    /// Listens to the legs of a call that are heard here; `None` when none is. The receiver tells how many frames it lost.
    #[must_use]
    pub fn tune_in(&self, org: OrgId, call: CallId) -> Option<broadcast::Receiver<AiredFrame>> {
        let station = {
            let stations = self.stations.lock().unwrap_or_else(PoisonError::into_inner);
            stations.get(&(org, call)).and_then(Weak::upgrade)
        };
        station.map(|station| station.frames.subscribe())
    }
}
