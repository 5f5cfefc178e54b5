//! Fan-out of changes to open sockets, in process. A channel belongs to one organization and one call, by type.

pub mod air;

use crate::domain::{
    ids::{CallId, LegId, OrgId},
    private::Private,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast;

/// What happened on a call. A socket renders it; a page without JavaScript sees the same after a reload.
#[derive(Clone, PartialEq, Eq)]
pub enum LiveEvent {
    /// The call's state, a leg, a stream or a gap changed: read the call again.
    CallMoved,
    /// Words of an utterance still being spoken.
    Interim {
        /// `patient`, `caregiver` or `nurse`.
        speaker: &'static str,
        /// The words so far.
        text: Private<String>,
    },
    /// A finished utterance is in the record: read the transcript again.
    Utterance {
        /// `patient`, `caregiver` or `nurse`.
        speaker: &'static str,
        /// The words.
        text: Private<String>,
    },
    /// How loud a leg is just now; several times a second while audio of it arrives.
    Level {
        /// The leg.
        leg: LegId,
        /// `patient`, `caregiver` or `nurse`.
        speaker: &'static str,
        /// Decibels below full scale, from -60 to 0.
        dbfs: i8,
    },
    /// Words that were written already stand otherwise now: read the transcript again.
    TranscriptMoved,
    /// The assessment was evaluated again.
    AssessmentMoved,
    /// An answer to a question is there.
    GuidanceShown,
}

impl fmt::Debug for LiveEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallMoved => f.write_str("CallMoved"),
            Self::Interim { speaker, .. } => write!(f, "Interim({speaker}, private)"),
            Self::Utterance { speaker, .. } => write!(f, "Utterance({speaker}, private)"),
            Self::Level { speaker, dbfs, .. } => write!(f, "Level({speaker}, {dbfs} dBFS)"),
            Self::TranscriptMoved => f.write_str("TranscriptMoved"),
            Self::AssessmentMoved => f.write_str("AssessmentMoved"),
            Self::GuidanceShown => f.write_str("GuidanceShown"),
        }
    }
}

/// The channel of each watched call.
type Channels = HashMap<(OrgId, CallId), broadcast::Sender<LiveEvent>>;

/// The open channels.
#[derive(Clone, Default)]
pub struct Live {
    channels: Arc<Mutex<Channels>>,
    /// Audio, for those who may listen.
    pub air: air::Air,
}

impl Live {
    /// Tells whoever watches this call.
    pub fn publish(&self, org: OrgId, call: CallId, event: LiveEvent) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&(org, call))
            && channel.send(event).is_err()
        {
            channels.remove(&(org, call));
        }
    }

    /// Watches one call. A watcher that falls 256 events behind is told so by the receiver and reads the page again.
    #[must_use]
    pub fn watch(&self, org: OrgId, call: CallId) -> broadcast::Receiver<LiveEvent> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.entry((org, call)).or_insert_with(|| broadcast::channel(256).0).subscribe()
    }
}
