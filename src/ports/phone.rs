//! The carrier: dials, holds conferences, forks audio. Our words only; a provider's words stop in its `wire.rs`.

use super::Outage;
use crate::domain::{
    answering::AnsweredBy,
    credential::BrowserKey,
    ids::{AttemptId, OrgId, StreamId},
    line::{BrowserId, Line},
    people::PhoneNumber,
    private::Private,
    script::Speech,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// How long a browser's pass lasts, in seconds.
pub const BROWSER_PASS_SECONDS: i64 = 600;

/// The telephone. `place` is never repeated by anybody: an unknown outcome is reconciled with `find`.
#[async_trait]
pub trait Phone: Send + Sync {
    /// Dials once. The carrier will ask `hooks/phone/{org}/{attempt}/voice` what to say and
    /// report to `.../status` and `.../conference`, and to `.../machine` who answered, where that is asked for.
    ///
    /// # Errors
    /// `Unreachable`, `Throttled` and `Refused` mean that no phone rings; every other kind means that one may.
    async fn place(&self, dial: &Dial) -> Result<Accepted, Outage>;

    /// Outbound calls from `from` to `to` created at or after `since`, oldest first.
    async fn find(&self, to: &Line, from: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<CarrierCall>, Outage>;

    /// What the carrier knows about one call.
    async fn fetch(&self, sid: &CarrierSid) -> Result<CarrierCall, Outage>;

    /// Ends a call: queued and ringing ones are cancelled, others completed. A live leg, also one in a conference, first
    /// hears `parting` (a `Speech::Farewell`) if there is one. Ending an ended call is fine.
    async fn end(&self, sid: &CarrierSid, parting: Option<&Speech>) -> Result<(), Outage>;

    /// Has the carrier ask `hooks/phone/{org}/{attempt}/voice` anew for a live leg; what it was saying or waiting for there
    /// ends.
    ///
    /// # Errors
    /// `Refused` when the leg has ended.
    async fn ask_anew(&self, org: OrgId, attempt: AttemptId, sid: &CarrierSid) -> Result<(), Outage>;

    /// Forks the inbound audio of a live leg to our media socket.
    async fn fork(&self, sid: &CarrierSid, fork: &Fork) -> Result<(), Outage>;

    /// Lets us answer one of the account's numbers: whoever rings it is asked for at `hooks/phone/{org}/inbound`, and texts
    /// to it go to `hooks/text/{org}/in`.
    ///
    /// # Errors
    /// `Refused` when the account has no such number.
    async fn connect(&self, org: OrgId, number: &PhoneNumber) -> Result<(), Outage>;

    /// What a browser registers with at the carrier, to be rung there and for nothing else, for `BROWSER_PASS_SECONDS`.
    /// `None` when the key cannot sign.
    fn browser_pass(&self, key: &BrowserKey, browser: &BrowserId, now: DateTime<Utc>) -> Option<Private<String>>;

    /// Proves that a webhook comes from the carrier and reads it.
    ///
    /// # Errors
    /// `NotTheCarrier` when the signature does not hold over address and raw body; `Unreadable` otherwise.
    fn hear(&self, hook: &Hook<'_>) -> Result<CarrierNews, HookRefusal>;

    /// What the carrier should do on a line that has no attempt of ours: say everything in turn, then end it; where something
    /// is asked, it waits for keys first and asks `hooks/phone/{org}/inbound` what follows, also when none come.
    fn tell_caller(&self, org: OrgId, told: &[Speech]) -> Instruction;

    /// What the carrier should do next on a leg, in its own language (TwiML for Twilio-shaped carriers).
    fn instruct(&self, org: OrgId, attempt: AttemptId, speech: &Speech, fork: Option<&Fork>) -> Instruction;
}

/// Reads the media socket's messages.
pub trait MediaWire: Send + Sync {
    /// Proves that a socket upgrade comes from the carrier.
    ///
    /// # Errors
    /// When the signature is missing or does not hold over the configured public origin and `path`.
    fn admit(&self, path: &str, signature: Option<&str>) -> Result<(), HookRefusal>;

    /// Reads one text message.
    ///
    /// # Errors
    /// When it is not a message of the media protocol.
    fn read(&self, message: &str) -> Result<MediaNews, HookRefusal>;
}

/// One dial.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Whose call it is.
    pub org: OrgId,
    /// The attempt, which names the callback addresses.
    pub attempt: AttemptId,
    /// The line rung.
    pub to: Line,
    /// The organization's own number.
    pub from: PhoneNumber,
    /// How long it may ring.
    pub ring_for: Duration,
    /// Whether the carrier guesses who answered.
    pub detect: Detect,
}

/// What the carrier listens for once somebody answers. The call goes on meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detect {
    /// Nothing: a colleague answers.
    Nothing,
    /// Whether it is a person or a machine, and when the machine's beep has sounded.
    Machines,
}

/// The carrier's name for a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CarrierSid(pub String);

/// A dial that the carrier has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its name.
    pub sid: CarrierSid,
    /// How long it waits at the carrier before it rings: above the carrier's pace, calls are queued in silence.
    pub waits: Duration,
}

/// What the carrier knows about a call.
#[derive(Clone, Debug)]
pub struct CarrierCall {
    /// Its name.
    pub sid: CarrierSid,
    /// How far it came.
    pub status: CarrierStatus,
    /// When the carrier accepted it.
    pub created_at: DateTime<Utc>,
}

/// How far a call came.
pub use crate::domain::attempt::CarrierStatus;

/// Where the forked audio of one leg goes: `wss .../hooks/media/{org}` with the token as a stream parameter.
#[derive(Clone, Debug)]
pub struct Fork {
    /// Whose call it is.
    pub org: OrgId,
    /// Our name for the stream.
    pub stream: StreamId,
    /// Single-use secret, echoed in the stream's start message.
    pub token: String,
}

/// One webhook as it arrived.
pub struct Hook<'a> {
    /// Path and query as the carrier requested them; the adapter puts the configured public origin before it.
    pub path_and_query: &'a str,
    /// The signature header, if any.
    pub signature: Option<&'a str>,
    /// The raw body.
    pub body: &'a [u8],
}

/// Why a webhook or socket is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    /// Signature missing or wrong.
    #[error("the signature is missing or does not match; check the carrier's auth token and the public URL")]
    NotTheCarrier,
    /// Signed but not understood.
    #[error("the carrier's message cannot be read")]
    Unreadable,
}

/// A verified webhook.
#[derive(Clone)]
pub struct CarrierNews {
    /// The carrier's call.
    pub sid: CarrierSid,
    /// How far the call came, if it says so.
    pub status: Option<CarrierStatus>,
    /// The number that rings, if it is shown.
    pub caller: Option<PhoneNumber>,
    /// Keys pressed, if this answers a prompt. Private: never logged.
    pub digits: Option<Private<String>>,
    /// A key under which a repeat of the same message is recognised.
    pub dedupe_key: String,
    /// Who answered, where the carrier says; a guess.
    pub answered_by: Option<AnsweredBy>,
    /// What happened to this leg in the conference, if the message is about that.
    pub conference: Option<ConferenceEvent>,
}

/// What happened to a leg in its conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConferenceEvent {
    /// The leg is in the conference.
    Joined,
    /// The leg is no longer in it.
    Left,
    /// The conference has ended.
    Ended,
    /// The leg sits differently in it: held or not, muted or not.
    Reseated,
}

/// A reply for the carrier.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub body: String,
}

/// One message of a media socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaNews {
    /// The socket is open; nothing is known yet.
    Connected,
    /// The stream begins; the token must be ours.
    Start {
        /// The carrier's name for the stream.
        stream_sid: String,
        /// The carrier's call.
        sid: String,
        /// Our token, echoed.
        token: String,
    },
    /// 20 ms of 8 kHz µ-law.
    Audio {
        /// Order of messages on the socket.
        sequence: u64,
        /// Order of audio on the track, from 1.
        chunk: u64,
        /// Milliseconds since the stream began.
        timestamp_ms: u64,
        /// 160 bytes of µ-law.
        ulaw: Vec<u8>,
    },
    /// Something we do not use (marks, keys).
    Other,
    /// The stream ends.
    Stop,
}
