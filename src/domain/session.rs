//! Sessions: what a cookie, a letter or a ticket holds, how long a session lives, when a proof is fresh, and what a browser
//! is called on the page of an account.

use super::{ids::OrgId, people::Role, private::Private};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A session ends after so long without use.
pub const IDLE: TimeDelta = TimeDelta::minutes(15);
/// How long a proof of who one is stays fresh.
pub const FRESH: TimeDelta = TimeDelta::minutes(10);
/// How long a browser is remembered after somebody signed in from it.
pub const TRUSTED: TimeDelta = TimeDelta::days(30);
/// How long the letter for a forgotten password opens the page for a new one.
pub const LETTER: TimeDelta = TimeDelta::minutes(30);
/// How long a ticket opens a live socket.
pub const TICKET: TimeDelta = TimeDelta::seconds(60);

/// The longest a session lasts however much it is used: one shift; an admin's is short, because it opens more.
#[must_use]
pub const fn longest(role: Role) -> TimeDelta {
    match role {
        Role::Nurse | Role::Coordinator | Role::Physician | Role::Auditor => TimeDelta::hours(12),
        Role::Admin => TimeDelta::hours(1),
    }
}

/// A bearer's secret, 256 bits. Only its hash is stored, so a copied table opens nothing.
#[derive(Clone)]
pub struct Token {
    /// The organization it opens something in.
    pub org: OrgId,
    secret: Private<String>,
}

impl Token {
    /// A token of fresh randomness.
    #[must_use]
    pub fn of(org: OrgId, random: [u8; 32]) -> Self {
        Self { org, secret: Private::new(hex::encode(random)) }
    }

    /// Reads what a cookie, a letter or a socket carried; anything else is no token.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (org, secret) = text.split_once('.')?;
        let plausible = secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        plausible.then(|| Some(Self { org: org.parse().ok()?, secret: Private::new(secret.to_owned()) }))?
    }

    /// What the cookie, letter or socket carries: the organization and the secret.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}.{}", self.org, self.secret.reveal())
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.secret.reveal().as_bytes()).to_vec()
    }
}

/// What decides whether a session still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was last used.
    pub seen_at: DateTime<Utc>,
    /// When it ends however much it is used.
    pub expires_at: DateTime<Utc>,
    /// Where the person is.
    pub line: Line,
}

/// Whether a person is on a live call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// They are a leg of a call that is bridged now.
    Live,
    /// They left their last call then.
    Left(DateTime<Utc>),
    /// They were on none.
    Quiet,
}

impl Lifetime {
    /// When it ends if nothing more happens; `None` while its person is on a live call, which is never cut off.
    #[must_use]
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        let used_at = match self.line {
            Line::Live => return None,
            Line::Left(at) => self.seen_at.max(at),
            Line::Quiet => self.seen_at,
        };
        Some(self.expires_at.min(used_at + IDLE))
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ends_at().is_some_and(|end| now >= end)
    }
}

/// Whether a proof is fresh enough for what is sensitive.
#[must_use]
pub fn is_fresh(proven_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    proven_at.is_some_and(|at| now - at < FRESH)
}

/// The family of a browser, which is all that is kept of it: enough to tell one's own, too little to track anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// Mozilla Firefox.
    Firefox,
    /// Google Chrome or Chromium.
    Chrome,
    /// Microsoft Edge.
    Edge,
    /// Apple Safari.
    Safari,
    /// No browser: a program.
    Program,
    /// It did not say.
    Unknown,
}

impl Device {
    const ALL: [Self; 6] = [Self::Firefox, Self::Chrome, Self::Edge, Self::Safari, Self::Program, Self::Unknown];

    /// The family behind a `User-Agent` header (RFC 9110, section 10.1.5). Every browser claims to be others too, so the
    /// order matters.
    #[must_use]
    pub fn of_agent(agent: &str) -> Self {
        let names = |word: &str| agent.contains(word);
        match () {
            () if agent.is_empty() => Self::Unknown,
            () if !names("Mozilla/") => Self::Program,
            () if names("Firefox/") || names("FxiOS/") => Self::Firefox,
            () if names("Edg/") || names("EdgiOS/") || names("EdgA/") => Self::Edge,
            () if names("Chrome/") || names("Chromium/") || names("CriOS/") => Self::Chrome,
            () if names("Safari/") => Self::Safari,
            () => Self::Unknown,
        }
    }

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Firefox => "firefox",
            Self::Chrome => "chrome",
            Self::Edge => "edge",
            Self::Safari => "safari",
            Self::Program => "program",
            Self::Unknown => "unknown",
        }
    }

    /// The family of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|device| device.word() == word).unwrap_or(Self::Unknown)
    }
}
