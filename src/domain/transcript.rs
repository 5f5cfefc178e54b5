//! Who said what: utterances by speaker, in the order they began.

use serde::{Deserialize, Serialize};

/// Who speaks on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The patient.
    Patient,
    /// A caregiver.
    Caregiver,
    /// The nurse.
    Nurse,
}

impl Voice {
    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Caregiver => "caregiver",
            Self::Nurse => "nurse",
        }
    }
}
