//! Why a call leaves work for a named person.

/// Why work is owed after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// Nobody was reached after every attempt.
    Missed,
    /// Identity was not proven.
    IdentityNotProven,
    /// A caregiver without consent answered.
    CaregiverMayNot,
    /// The patient waited and no nurse came.
    NoNurse,
    /// The patient hung up while waiting for a nurse.
    PatientHungUpWaiting,
    /// The number cannot be dialled.
    NumberRefused,
    /// Whether the telephone rang is unknown.
    Unresolved,
    /// The carrier has taken no dial of this call for a while.
    CarrierAway,
    /// It is due and nobody rings it.
    Overdue,
    /// Somebody answered a ring that was one too many, and heard nothing.
    RangTwice,
    /// Somebody rang us and was gone before they had a nurse.
    CallerGone,
    /// The answers of a check-in wait for a nurse.
    CheckInToRead,
    /// The line ended in the middle of a check-in.
    CheckInCutOff,
    /// Nobody answered the machine any more.
    CheckInSilent,
    /// Somebody asked for a person in a check-in by text.
    CheckInPerson,
    /// A red flag came up on a check-in and no nurse spoke with them.
    RedFlagAlone,
    /// No nurse took the call, so the patient was never rung.
    NeverRung,
}

impl Owed {
    /// The code stored as the reason of the follow-up.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missed => "missed_call",
            Self::IdentityNotProven => "identity_not_proven",
            Self::CaregiverMayNot => "caregiver_without_consent",
            Self::NoNurse => "no_nurse_came",
            Self::PatientHungUpWaiting => "patient_hung_up_waiting",
            Self::NumberRefused => "number_refused",
            Self::Unresolved => "attempt_unresolved",
            Self::CarrierAway => "carrier_away",
            Self::Overdue => "call_overdue",
            Self::RangTwice => "rang_twice",
            Self::CallerGone => "caller_gone",
            Self::CheckInToRead => "check_in_to_read",
            Self::CheckInCutOff => "check_in_cut_off",
            Self::CheckInSilent => "check_in_silent",
            Self::CheckInPerson => "check_in_person",
            Self::RedFlagAlone => "red_flag_alone",
            Self::NeverRung => "never_rung",
        }
    }
}
