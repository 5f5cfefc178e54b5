//! Tokens by which a program acts for a staff member: what they look like, what they may be asked for, how long they last.

use super::ids::OrgId;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How every token begins, so that a scanner of source code recognizes a leaked one.
pub const PREFIX: &str = "careline_";
/// Most days a token lasts.
pub const LONGEST_DAYS: i64 = 365;
/// Most living tokens of one staff member.
pub const MOST: usize = 20;
/// Most characters of a token's name.
pub const LONGEST_NAME: usize = 60;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $meaning:literal;)+) => {
        /// What a token may be used for. A door of the API names one, or no token opens it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum Scope { $($(#[$doc])* #[serde(rename = $word)] $name),+ }

        impl Scope {
            /// Every scope, in the order the screens list them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word stored, sent and shown.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// What it permits, in words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }
        }
    };
}

scopes! {
    /// Who the token acts for.
    ReadProfile = "profile:read", "Read whom it acts for";
    /// Today's worklist.
    ReadWorklist = "worklist:read", "Read today's worklist";
    /// Search and charts.
    ReadPatients = "patients:read", "Search patients and read charts";
    /// Admission, contacts, consents.
    WritePatients = "patients:write", "Admit patients, add contacts, record consents";
    /// Calls.
    ReadCalls = "calls:read", "Read calls";
    /// Planning, cancelling, hanging up.
    WriteCalls = "calls:write", "Plan, cancel and hang up calls";
    /// Assessments.
    ReadAssessments = "assessments:read", "Read assessments";
    /// Answers; signing stays with a person at a screen.
    WriteAssessments = "assessments:write", "Save answers of an assessment, not sign it";
    /// Guidance given.
    ReadGuidance = "guidance:read", "Read guidance given on a call";
    /// Questions.
    AskGuidance = "guidance:ask", "Ask for guidance on a call";
    /// The list of owed work.
    ReadFollowUps = "follow_ups:read", "Read follow-ups";
    /// Completing it.
    WriteFollowUps = "follow_ups:write", "Complete follow-ups";
    /// The record.
    ReadRecord = "record:read", "Search and verify the record";
}

impl Scope {
    /// The scope of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.word() == word)
    }
}

/// A new token's text: the prefix, the organization it opens, and 256 random bits.
#[must_use]
pub fn text(org: OrgId, bits: [u8; 32]) -> String {
    format!("{PREFIX}{}_{}", org.0.simple(), hex::encode(bits))
}

/// The organization and the hash of a token's text; `None` for what no token of ours looks like.
#[must_use]
pub fn parse(text: &str) -> Option<(OrgId, Vec<u8>)> {
    let (org, bits) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let lower = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if org.len() != 32 || bits.len() != 64 || !lower(org) || !lower(bits) {
        return None;
    }
    Some((OrgId(Uuid::try_parse(org).ok()?), Sha256::digest(text.as_bytes()).to_vec()))
}

/// How long a token lasts that was asked for so many days.
#[must_use]
pub fn lifetime(days: i64) -> Option<TimeDelta> {
    (1..=LONGEST_DAYS).contains(&days).then(|| TimeDelta::try_days(days))?
}
