//! Fan-out of changes to open sockets, in process. A channel belongs to one organization and one call, by type. And what
//! must reach the ear of a leg before its next frame: that nobody is to listen.

pub mod air;

use crate::domain::{
    floor::{Hush, Hushing},
    ids::{CallId, LegId, OrgId},
    private::Private,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
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

/// Whether a leg is hushed, as far as it is known in this process. It is asked for each frame, so it waits for nothing.
#[derive(Debug, Default)]
pub struct Quiet(AtomicU64);

impl Quiet {
    /// Learns it; old news changes nothing. Whether it was new.
    pub fn learn(&self, hushing: &Hushing) -> bool {
        let code = match hushing.now {
            None => 0,
            Some(Hush::OnHold) => 1,
            Some(Hush::Muted) => 2,
        };
        // The count stands above the reason, so that the newest is the greatest.
        let news = u64::from(hushing.revision) << 8 | code;
        self.0.fetch_max(news, Ordering::AcqRel) < news
    }

    /// Why nobody is to listen; `None` while somebody may.
    #[must_use]
    pub fn now(&self) -> Option<Hush> {
        match self.0.load(Ordering::Acquire) & 0xff {
            0 => None,
            1 => Some(Hush::OnHold),
            _ => Some(Hush::Muted),
        }
    }

    /// Which news was the last.
    #[must_use]
    pub fn revision(&self) -> u32 {
        u32::try_from(self.0.load(Ordering::Acquire) >> 8).unwrap_or(u32::MAX)
    }
}

/// What is known of each leg that is heard here.
type Quiets = HashMap<(OrgId, LegId), Weak<Quiet>>;

/// The open channels.
#[derive(Clone, Default)]
pub struct Live {
    channels: Arc<Mutex<Channels>>,
    /// Audio, for those who may listen.
    pub air: air::Air,
    quiets: Arc<Mutex<Quiets>>,
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

    /// What the ear of a leg asks before each frame; it is forgotten with its last ear.
    #[must_use]
    pub fn quiet(&self, org: OrgId, leg: LegId) -> Arc<Quiet> {
        let mut quiets = self.quiets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = quiets.get(&(org, leg)).and_then(Weak::upgrade) {
            return known;
        }
        quiets.retain(|_, quiet| quiet.strong_count() > 0);
        let fresh = Arc::new(Quiet::default());
        quiets.insert((org, leg), Arc::downgrade(&fresh));
        fresh
    }

    /// Tells the ears of a leg, if there are any here, what was committed about it.
    pub fn hush(&self, org: OrgId, leg: LegId, hushing: &Hushing) {
        let quiets = self.quiets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quiet) = quiets.get(&(org, leg)).and_then(Weak::upgrade) {
            quiet.learn(hushing);
        }
    }
}
