//! Where a call stands, and who speaks on the patient's leg.

use serde::{Deserialize, Serialize};

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Planned; nothing rings.
    Scheduled,
    /// A nurse is being rung before the patient; the patient's telephone is quiet.
    AskingNurse,
    /// A nurse waits in the conference; the patient is about to be dialled.
    NurseReady,
    /// An attempt is being dialled, or its outcome is unknown.
    Placing,
    /// The patient's telephone rings or the call script speaks.
    Placed,
    /// The patient is in the conference, a nurse is being rung.
    WaitingForNurse,
    /// Patient and nurse talk.
    Bridged,
    /// They have talked.
    Done,
    /// Nobody was reached; a follow-up exists.
    Missed,
    /// Called off.
    Cancelled,
    /// A person decides; a follow-up exists.
    NeedsPerson,
}

impl CallState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Scheduled,
        Self::AskingNurse,
        Self::NurseReady,
        Self::Placing,
        Self::Placed,
        Self::WaitingForNurse,
        Self::Bridged,
        Self::Done,
        Self::Missed,
        Self::Cancelled,
        Self::NeedsPerson,
    ];

    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::AskingNurse => "asking_nurse",
            Self::NurseReady => "nurse_ready",
            Self::Placing => "placing",
            Self::Placed => "placed",
            Self::WaitingForNurse => "waiting_for_nurse",
            Self::Bridged => "bridged",
            Self::Done => "done",
            Self::Missed => "missed",
            Self::Cancelled => "cancelled",
            Self::NeedsPerson => "needs_person",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing more happens on the telephone.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::Done | Self::Missed | Self::Cancelled | Self::NeedsPerson => true,
            Self::Scheduled
            | Self::AskingNurse
            | Self::NurseReady
            | Self::Placing
            | Self::Placed
            | Self::WaitingForNurse
            | Self::Bridged => false,
        }
    }
}

/// Who speaks on the patient's leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The patient.
    Patient,
    /// A caregiver with consent to talk about the patient's health.
    Caregiver,
}

impl Speaker {
    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Caregiver => "caregiver",
        }
    }
}
