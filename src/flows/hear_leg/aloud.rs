//! What a leg gives to those who watch and listen while it is live: its loudness for their meters, its frames for their ears.
//! Nothing here is kept, and nothing waits.

use crate::{
    domain::{
        ids::{CallId, LegId, OrgId},
        loudness::Loudness,
        recording::Side,
    },
    live::{Live, LiveEvent, air::OnAir},
    store::streams::BegunStream,
};

/// The way of one leg to its audience.
pub(super) struct Aloud {
    live: Live,
    air: OnAir,
    loudness: Loudness,
    org: OrgId,
    call: CallId,
    leg: LegId,
    side: Side,
    speaker: &'static str,
}

impl Aloud {
    pub(super) fn of(live: &Live, org: OrgId, stream: &BegunStream) -> Self {
        Self {
            live: live.clone(),
            air: live.air.go_on(org, stream.call),
            loudness: Loudness::default(),
            org,
            call: stream.call,
            leg: stream.leg,
            side: stream.track.side(),
            speaker: stream.voice.word(),
        }
    }

    /// Takes a frame that may be heard.
    pub(super) fn take(&mut self, at_ms: u64, ulaw: &[u8]) {
        self.air.send(self.leg, self.side, at_ms, ulaw);
        if let Some(dbfs) = self.loudness.take(ulaw) {
            let level = LiveEvent::Level { leg: self.leg, speaker: self.speaker, dbfs };
            self.live.publish(self.org, self.call, level);
        }
    }
}
