//! The eight levels of what happens next, most urgent first, each with a clock. The time is the contract.

use serde::{Deserialize, Serialize};

/// What happens next. The order is urgency: `EmergencyNow` is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Advice, a safety net and a dated next contact.
    SelfCare,
    /// The next planned contact, within 14 days.
    Routine,
    /// Within 72 hours.
    #[serde(rename = "within_72h")]
    Within72h,
    /// Within 24 hours.
    #[serde(rename = "within_24h")]
    Within24h,
    /// A visit or tele-visit today, within 4 hours.
    SameDay,
    /// A prescriber or on-call nurse decides within 60 minutes.
    #[serde(rename = "clinician_1h")]
    Clinician1h,
    /// As urgent as an emergency, by the comfort path: the on-call hospice nurse now.
    HospiceNow,
    /// Emergency services while the nurse stays on the line.
    EmergencyNow,
}

impl Disposition {
    /// Every level, most urgent first.
    pub const ALL: [Self; 8] = [
        Self::EmergencyNow,
        Self::HospiceNow,
        Self::Clinician1h,
        Self::SameDay,
        Self::Within24h,
        Self::Within72h,
        Self::Routine,
        Self::SelfCare,
    ];

    /// The code stored in protocols and assessments.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::EmergencyNow => "emergency_now",
            Self::HospiceNow => "hospice_now",
            Self::Clinician1h => "clinician_1h",
            Self::SameDay => "same_day",
            Self::Within24h => "within_24h",
            Self::Within72h => "within_72h",
            Self::Routine => "routine",
            Self::SelfCare => "self_care",
        }
    }

    /// The level of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.code() == code)
    }

    /// What a person reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::EmergencyNow => "Emergency services now",
            Self::HospiceNow => "On-call hospice nurse now",
            Self::Clinician1h => "Clinician within 1 hour",
            Self::SameDay => "Visit today, within 4 hours",
            Self::Within24h => "Within 24 hours",
            Self::Within72h => "Within 72 hours",
            Self::Routine => "Next planned contact",
            Self::SelfCare => "Self care with a safety net",
        }
    }
}
