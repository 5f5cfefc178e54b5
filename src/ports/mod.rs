//! Floor 1: what the product needs from the world, in the product's own words. One failure type for all.

pub mod clock;
pub mod conferences;
pub mod egress;
pub mod embeddings;
pub mod keys;
pub mod llm;
pub mod mailer;
pub mod objects;
pub mod phone;
pub mod sign_on;
pub mod speech;
pub mod texts;
pub mod vectors;

use std::fmt;

/// A dependency did not do what was asked. Every port fails with this and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{dependency}: {kind}")]
pub struct Outage {
    /// Which dependency, such as `twilio`.
    pub dependency: &'static str,
    /// In what way.
    pub kind: OutageKind,
}

/// In what way a dependency failed. Texts never carry a patient's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutageKind {
    /// Nothing was sent: connection refused, name not found, TLS failed.
    Unreachable,
    /// Too slow; whether it happened is unknown.
    TimedOut,
    /// Connection lost or a 5xx after sending; whether it happened is unknown.
    Broken,
    /// 429: not processed, safe to repeat later.
    Throttled,
    /// Refused for good, with the provider's code.
    Refused(String),
    /// The reply could not be read.
    Garbled,
}

impl fmt::Display for OutageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("cannot be reached; check its base URL and that it is running"),
            Self::TimedOut => f.write_str("did not answer in time"),
            Self::Broken => f.write_str("failed while answering"),
            Self::Throttled => f.write_str("asks for fewer requests"),
            Self::Refused(code) => write!(f, "refused the request (code {code})"),
            Self::Garbled => f.write_str("answered with something that cannot be read"),
        }
    }
}
