//! How the carrier misbehaves on request: the ways a real one was seen to answer a dial, and frames that get lost.

use super::Carrier;
use serde::Deserialize;
use std::time::Duration;

/// What may be asked for at `POST /town/faults`. Absent fields change nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsWanted {
    /// How dials are answered.
    #[serde(default)]
    pub create: Option<CreateFault>,
    /// For how many dials; for all of them when absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// How long `slow` takes, in real seconds; 20 when absent.
    #[serde(default)]
    pub slow_seconds: Option<u64>,
    /// Which media frames of every stream are lost.
    #[serde(default)]
    pub lose_media_frames: Option<LostFrames>,
    /// What happens to callbacks.
    #[serde(default)]
    pub callbacks: Option<CallbackFault>,
}

/// How a dial is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreateFault {
    /// As it should.
    #[default]
    Normal,
    /// Accepted, but the answer comes late.
    Slow,
    /// Answered with 500 although the telephone rings.
    #[serde(rename = "500_accepted")]
    BrokenAccepted,
    /// Answered with 500, and nothing rings.
    #[serde(rename = "500_refused")]
    BrokenRefused,
    /// Too many requests; nothing rings.
    #[serde(rename = "429")]
    Throttled,
    /// The connection breaks although the telephone rings.
    DropAccepted,
    /// The connection breaks, and nothing rings.
    DropRefused,
}

/// What happens to callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackFault {
    /// Each is sent once.
    #[default]
    Normal,
    /// Each is sent twice.
    Twice,
    /// None is sent.
    Lost,
}

/// Which media frames are lost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum LostFrames {
    /// These chunk numbers, from 1.
    Chunks(Vec<u64>),
    /// Every so many frames one; 0 means none.
    Every {
        /// Every how many.
        every: u64,
    },
}

/// The faults in force.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    create: CreateFault,
    times: Option<u32>,
    slow: Duration,
    lost: LostFrames,
    callbacks: CallbackFault,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            create: CreateFault::Normal,
            times: None,
            slow: Duration::from_secs(20),
            lost: LostFrames::Chunks(Vec::new()),
            callbacks: CallbackFault::Normal,
        }
    }
}

impl Carrier {
    /// Begins to misbehave, or stops.
    pub fn misbehave(&self, wanted: FaultsWanted) {
        self.change(|book| {
            let faults = &mut book.faults;
            if let Some(create) = wanted.create {
                faults.create = create;
                faults.times = wanted.times;
            }
            if let Some(seconds) = wanted.slow_seconds {
                faults.slow = Duration::from_secs(seconds);
            }
            if let Some(lost) = wanted.lose_media_frames {
                faults.lost = lost;
            }
            if let Some(callbacks) = wanted.callbacks {
                faults.callbacks = callbacks;
            }
        });
    }

    /// How to answer the dial at hand, and how late if slowly.
    pub(super) fn next_create_fault(&self) -> (CreateFault, Duration) {
        self.change(|book| {
            let faults = &mut book.faults;
            let now = faults.create;
            if let Some(times) = faults.times.as_mut() {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    faults.create = CreateFault::Normal;
                    faults.times = None;
                }
            }
            (now, faults.slow)
        })
    }

    pub(super) fn loses_frame(&self, chunk: u64) -> bool {
        match &self.book().faults.lost {
            LostFrames::Chunks(chunks) => chunks.contains(&chunk),
            LostFrames::Every { every } => chunk.checked_rem(*every) == Some(0),
        }
    }

    pub(super) fn callback_fault(&self) -> CallbackFault {
        self.book().faults.callbacks
    }
}
