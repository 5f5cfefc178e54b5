//! Why a call is planned: one closed list, spelled the same everywhere.

use serde::{Deserialize, Serialize};

/// Why the call is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallPurpose {
    /// The planned check-in of the care plan.
    CheckIn,
    /// A full assessment.
    Assessment,
    /// A promised call back.
    FollowUp,
    /// A look at the medicines.
    MedicationCheck,
    /// They rang us.
    Inbound,
}

impl CallPurpose {
    /// What a call may be planned for, in the order forms list them.
    pub const PLANNED: [Self; 4] = [Self::CheckIn, Self::Assessment, Self::FollowUp, Self::MedicationCheck];

    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CheckIn => "check_in",
            Self::Assessment => "assessment",
            Self::FollowUp => "follow_up",
            Self::MedicationCheck => "medication_check",
            Self::Inbound => "inbound",
        }
    }

    /// The purpose of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::PLANNED.into_iter().chain([Self::Inbound]).find(|purpose| purpose.word() == word)
    }
}
