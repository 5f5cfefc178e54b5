//! What takes two persons: becoming an admin, taking the whole record out, putting a protocol into use.

use super::{ids::StaffId, people::Role};
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

/// How long a granted export may be used.
pub const EXPORT_LASTS: TimeDelta = TimeDelta::hours(24);

/// A right beside the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// May sign protocols; granted to physicians and nurses.
    ClinicalLead,
}

impl Right {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ClinicalLead => "clinical_lead",
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalKind {
    /// A staff member becomes an admin.
    AdminRole,
    /// The whole record is taken out.
    RecordExport,
    /// A version of a protocol is put into use.
    ProtocolUse,
}

impl ApprovalKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::AdminRole, Self::RecordExport, Self::ProtocolUse];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AdminRole => "admin_role",
            Self::RecordExport => "record_export",
            Self::ProtocolUse => "protocol_use",
        }
    }

    /// The kind of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// How many different persons must approve, beside who asked.
    #[must_use]
    pub const fn signatures(self) -> usize {
        match self {
            Self::AdminRole | Self::RecordExport => 1,
            Self::ProtocolUse => 2,
        }
    }

    /// Whether a role, with or without the right of a clinical lead, may answer.
    #[must_use]
    pub fn may_be_answered_by(self, role: Role, right: Option<Right>) -> bool {
        match self {
            Self::AdminRole => role == Role::Admin,
            Self::RecordExport => matches!(role, Role::Admin | Role::Auditor),
            Self::ProtocolUse => matches!(role, Role::Nurse | Role::Physician) && right == Some(Right::ClinicalLead),
        }
    }
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// It waits for signatures.
    Open,
    /// Everybody needed has approved.
    Granted,
    /// Somebody refused.
    Refused,
    /// What was approved has been done.
    Used,
    /// What was approved was not done in time.
    Lapsed,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Open, Self::Granted, Self::Refused, Self::Used, Self::Lapsed];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Used => "used",
            Self::Lapsed => "lapsed",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// One person's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Approved,
    /// No.
    Refused,
}

impl Answer {
    /// The word stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }

    /// The answer of a sent word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Approved, Self::Refused].into_iter().find(|answer| answer.word() == word)
    }
}

/// What the signatures under a request about a person are over, as a protocol's are over its content.
#[must_use]
pub fn fingerprint(kind: ApprovalKind, about: StaffId) -> Vec<u8> {
    Sha256::digest(format!("careline approval\0{}\0{about}", kind.word())).to_vec()
}
