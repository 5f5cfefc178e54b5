//! What the carrier knows: every call it ever saw, every conference, the people behind the numbers. This is also the
//! oracle of tests and demo, for it is what really happened on the telephone network.

use super::{conference::Conference, faults::Faults, leg::Order, numbers::NumberSeen, texts::TextBook, voice::Voice};
use crate::simulator::{machines::MachineSeen, people::Person};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use tokio::sync::mpsc;

/// One call as the carrier saw it.
#[derive(Clone, Debug, Serialize)]
pub struct CallSeen {
    /// The carrier's name for it.
    pub sid: String,
    /// Number rung.
    pub to: String,
    /// Number shown.
    pub from: String,
    /// Who rang whom.
    pub direction: Direction,
    /// How far it came.
    pub status: CallStatus,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// The same in real time, for the lag of the list.
    #[serde(skip)]
    pub accepted: Instant,
    /// How long it waits in the carrier's queue before it rings.
    pub queue_milliseconds: u64,
    /// Whether whoever uses the carrier asked for its end while it was not over.
    pub ended_on_request: bool,
    /// When it was answered.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How often a telephone rang for it: 0 or 1.
    pub rings: u32,
    /// What the carrier said into the line, in order.
    pub spoken: Vec<String>,
    /// What the person said, in order.
    pub said: Vec<String>,
    /// How many keys the person pressed.
    pub keys_pressed: u32,
    /// The conference the leg is or was in.
    pub conference: Option<String>,
    /// Who answered, as far as the carrier was asked to find out.
    pub answered_by: Option<String>,
    /// What a machine heard of it, if one answered.
    pub machine: Option<MachineSeen>,
    /// Media streams, in order of their start.
    pub streams: Vec<StreamSeen>,
    /// What went wrong, with the provider's codes.
    pub errors: Vec<CallFault>,
}

/// Who rang whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The account rang somebody.
    OutboundApi,
    /// Somebody rang a number of the account.
    Inbound,
}

impl Direction {
    /// The provider's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OutboundApi => "outbound-api",
            Self::Inbound => "inbound",
        }
    }
}

/// One media stream as the carrier saw it.
#[derive(Clone, Debug, Serialize)]
pub struct StreamSeen {
    /// The carrier's name for it.
    pub sid: String,
    /// The name it was given.
    pub name: Option<String>,
    /// Where it goes, without query.
    pub url: String,
    /// Whether it still runs.
    pub status: StreamStatus,
    /// Frames sent, once it has ended.
    pub frames_sent: u64,
}

/// Whether a stream runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamStatus {
    /// It does.
    InProgress,
    /// It ended, for whatever reason.
    Stopped,
}

/// Something that went wrong in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallFault {
    /// The provider's code.
    pub code: u32,
    /// In words.
    pub text: String,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Accepted.
    Queued,
    /// Being dialled.
    Initiated,
    /// Ringing.
    Ringing,
    /// Answered.
    InProgress,
    /// Ended after an answer.
    Completed,
    /// Engaged.
    Busy,
    /// Rang in vain.
    NoAnswer,
    /// Could not be connected.
    Failed,
    /// Cancelled before an answer.
    Canceled,
}

impl CallStatus {
    /// The provider's word in callbacks.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The provider's word in REST replies, which know no `initiated`.
    #[must_use]
    pub const fn rest_word(self) -> &'static str {
        match self {
            Self::Initiated => "queued",
            other => other.word(),
        }
    }

    /// The name of the status-callback event that reports this, where there is one.
    #[must_use]
    pub const fn event(self) -> Option<&'static str> {
        match self {
            Self::Queued => None,
            Self::Initiated => Some("initiated"),
            Self::Ringing => Some("ringing"),
            Self::InProgress => Some("answered"),
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => Some("completed"),
        }
    }

    /// Whether nothing more can happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress => false,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => true,
        }
    }
}

/// Everything behind the carrier's lock.
pub(super) struct Book {
    pub(super) people: BTreeMap<String, Person>,
    /// In order of creation.
    pub(super) calls: Vec<CallSeen>,
    /// Calls that are not over.
    pub(super) live: BTreeMap<String, LiveCall>,
    pub(super) conferences: Vec<Conference>,
    /// The account's own numbers, as far as they were asked for.
    pub(super) numbers: BTreeMap<String, NumberSeen>,
    pub(super) faults: Faults,
    pub(super) texts: TextBook,
}

/// How to reach a call that is not over.
#[derive(Clone)]
pub(super) struct LiveCall {
    /// Number of the townsperson on the line.
    pub(super) who: String,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) voice: Arc<Voice>,
}

impl Book {
    pub(super) fn call(&self, sid: &str) -> Option<&CallSeen> {
        self.calls.iter().rev().find(|call| call.sid == sid)
    }

    pub(super) fn call_mut(&mut self, sid: &str) -> Option<&mut CallSeen> {
        self.calls.iter_mut().rev().find(|call| call.sid == sid)
    }

    /// The answered call of the person with this number.
    pub(super) fn answered_call_of(&self, number: &str) -> Option<LiveCall> {
        self.live
            .iter()
            .find(|(sid, live)| {
                live.who == number && self.call(sid).is_some_and(|call| call.status == CallStatus::InProgress)
            })
            .map(|(_, live)| live.clone())
    }

    /// Whether another call already holds this person's line.
    pub(super) fn is_engaged(&self, number: &str, but_for: &str) -> bool {
        self.live.iter().any(|(sid, live)| {
            sid != but_for
                && live.who == number
                && self
                    .call(sid)
                    .is_some_and(|call| matches!(call.status, CallStatus::InProgress | CallStatus::Ringing))
        })
    }
}
