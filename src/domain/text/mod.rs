//! Texts: where one stands, how far the carrier says it came, what may go to whom. A text that goes out is its own
//! attempt: intent first, sent once, and an unknown outcome is reconciled with the carrier.
//!
//! `templates` the words we send · `reading`, `lists` what people write back · `segments` what a text costs · `remind` when

mod lists;
pub mod reading;
pub mod remind;
pub mod segments;
pub mod templates;

use super::attempt::{CLEAN_LISTS, SETTLE_SECONDS};
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use templates::Template;

/// Most characters of a text, as the carrier takes them (Twilio, message resource).
pub const LONGEST_BODY: usize = 1600;

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextState {
    /// Written, not yet allowed to be sent.
    Scheduled,
    /// Allowed to be sent once.
    Sending,
    /// Sent, no reply: reconciled with the carrier.
    Unknown,
    /// The carrier has it; its sid is ours.
    Bound,
    /// The carrier refused it, or nothing was sent.
    Rejected,
    /// Proven absent at the carrier.
    NotSent,
    /// A rule held it back for good.
    HeldBack,
    /// Called off before it was sent.
    CalledOff,
    /// It came in.
    Received,
}

impl TextState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
        Self::Sending,
        Self::Unknown,
        Self::Bound,
        Self::Rejected,
        Self::NotSent,
        Self::HeldBack,
        Self::CalledOff,
        Self::Received,
    ];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Bound => "bound",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::HeldBack => "held_back",
            Self::CalledOff => "called_off",
            Self::Received => "received",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Whose words a text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// Ours, from the closed list.
    Template(Template),
    /// A staff member's own.
    Free,
    /// A question of a check-in, or what leads to one.
    CheckIn,
    /// The last words of a check-in: an answer to what was just written.
    CheckInParting,
    /// Of whoever wrote to us.
    Received,
}

impl Wording {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Template(template) => template.word(),
            Self::Free => "free",
            Self::CheckIn => "check_in",
            Self::CheckInParting => "check_in_parting",
            Self::Received => "received",
        }
    }

    /// The wording of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "free" => Some(Self::Free),
            "check_in" => Some(Self::CheckIn),
            "check_in_parting" => Some(Self::CheckInParting),
            "received" => Some(Self::Received),
            other => Template::from_word(other).map(Self::Template),
        }
    }

    /// Which rules it must pass before it goes out.
    #[must_use]
    pub const fn bound_by(self) -> BoundBy {
        match self {
            Self::Template(template) => template.bound_by(),
            Self::Free | Self::CheckIn | Self::Received => BoundBy::Everything,
            Self::CheckInParting => BoundBy::StandingAndStop,
        }
    }
}

/// Which rules a text must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundBy {
    /// Status, consent, the number's own stop, hours and caps: whatever we begin.
    Everything,
    /// Status and the number's own stop: an answer to what was just written, at any hour.
    StandingAndStop,
    /// Status alone: the one answer to a stop, and to a call for help with the texts themselves.
    Standing,
}

/// How far a text came, as the carrier says. Its messages come late, twice and out of order, so the furthest counts; of
/// two endings the one nearer to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// The carrier has it.
    Queued,
    /// On its way to the network.
    Sending,
    /// The network took it.
    Sent,
    /// The carrier could not send it.
    Failed,
    /// The network did not deliver it.
    Undelivered,
    /// The telephone has it.
    Delivered,
    /// It was opened.
    Read,
}

impl Delivery {
    /// Every step, the nearest first.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Failed, Self::Undelivered, Self::Delivered, Self::Read];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// The step of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    /// The rank stored; a message of a lower rank is old news.
    #[must_use]
    pub const fn rank(self) -> i32 {
        match self {
            Self::Queued => 1,
            Self::Sending => 2,
            Self::Sent => 3,
            Self::Failed => 4,
            Self::Undelivered => 5,
            Self::Delivered => 6,
            Self::Read => 7,
        }
    }

    /// Whether the person does not have it and will not get it.
    #[must_use]
    pub const fn is_lost(self) -> bool {
        match self {
            Self::Failed | Self::Undelivered => true,
            Self::Queued | Self::Sending | Self::Sent | Self::Delivered | Self::Read => false,
        }
    }
}

/// What the carrier has said about a text so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// The furthest step; `None` before the first message.
    pub step: Option<Delivery>,
    /// The carrier's error code that came with it; empty when there was none.
    pub code: String,
}

impl Fate {
    /// What is known after one more message: the join of both, so any order and any repeats end the same.
    #[must_use]
    pub fn hear(self, step: Delivery, code: &str) -> Self {
        let news = (Some(step), code);
        if news > (self.step, self.code.as_str()) { Self { step: Some(step), code: code.to_owned() } } else { self }
    }
}

/// What the carrier's list is compared with: it returns no field of ours, only the words.
#[must_use]
pub fn body_hash(body: &str) -> Vec<u8> {
    // The carrier trims what surrounds a text.
    Sha256::digest(body.trim()).to_vec()
}

/// Whether the carrier has had long enough, and shown itself clean often enough, that a text never existed.
#[must_use]
pub fn is_settled_absent(posted_at: Option<DateTime<Utc>>, clean_lists: i32, now: DateTime<Utc>) -> bool {
    clean_lists >= CLEAN_LISTS && posted_at.is_some_and(|posted| now - posted >= Duration::seconds(SETTLE_SECONDS))
}

/// What a refusal of the carrier means for the text and for the number (Twilio, error dictionary). Codes are added without
/// notice, so what is not listed is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The person told the carrier to stop.
    Stopped,
    /// Nothing ever arrives at this number: wrong, unknown, a landline, blocked.
    NumberUseless,
    /// Held back for what it said.
    Content,
    /// Ours to repair: account, number, registration.
    OurSetup,
    /// Anything else.
    Other,
}

impl Refusal {
    /// The meaning of a provider-neutral code as stored.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            "21610" => Self::Stopped,
            "21211" | "21214" | "21217" | "21408" | "21612" | "21614" | "30003" | "30004" | "30005" | "30006" => {
                Self::NumberUseless
            }
            "30007" => Self::Content,
            "20003" | "20404" | "21205" | "21212" | "21606" | "21608" | "21626" | "30002" | "30034" => Self::OurSetup,
            _ => Self::Other,
        }
    }

    /// What a person reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stopped => "the person told the telephone company to stop texts",
            Self::NumberUseless => "texts do not arrive at this number",
            Self::Content => "the telephone company held it back for its words",
            Self::OurSetup => "the telephone company does not let this organization send texts",
            Self::Other => "the telephone company did not say why in words we know",
        }
    }
}
