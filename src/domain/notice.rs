//! Letters to staff: the closed list of what they are about. Texts name no patient; what must be known is behind a
//! sign-in.

use serde::{Deserialize, Serialize};

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A password, factor or recovery code was changed.
    CredentialChanged,
    /// A sign-in from a device not seen before, or after many refusals.
    UnusualSignIn,
    /// Somebody opened a patient's chart by break-glass; it waits for review.
    BreakGlassBegan,
    /// A break-glass was not reviewed in time.
    BreakGlassReviewDue,
    /// Something waits for this person's approval or signature.
    ApprovalWanted,
    /// Somebody who rang us still waits to be rung back.
    CallerWaits,
    /// The record did not verify.
    RecordFault,
    /// A stored file did not verify.
    FileFault,
    /// Signed checkpoints do not reach the second place.
    WitnessAway,
}

impl Notice {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CredentialChanged => "credential_changed",
            Self::UnusualSignIn => "unusual_sign_in",
            Self::BreakGlassBegan => "break_glass_began",
            Self::BreakGlassReviewDue => "break_glass_review_due",
            Self::ApprovalWanted => "approval_wanted",
            Self::CallerWaits => "caller_waits",
            Self::RecordFault => "record_fault",
            Self::FileFault => "file_fault",
            Self::WitnessAway => "witness_away",
        }
    }

    /// The subject line.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::CredentialChanged => "Your way of signing in was changed",
            Self::UnusualSignIn => "A sign-in you should know of",
            Self::BreakGlassBegan => "An urgent access waits for your review",
            Self::BreakGlassReviewDue => "An urgent access was not reviewed in time",
            Self::ApprovalWanted => "Something waits for your approval",
            Self::CallerWaits => "Somebody waits to be rung back",
            Self::RecordFault => "The record did not verify",
            Self::FileFault => "A stored document did not verify",
            Self::WitnessAway => "Checkpoints of the record do not reach their second place",
        }
    }

    /// What to do next, and the page to do it on.
    #[must_use]
    pub const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::CredentialChanged => (
                "A password, second factor or recovery code of your login was changed. If it was not you, tell your \
                 admin at once; every session can be ended there.",
                "/account",
            ),
            Self::UnusualSignIn => (
                "Your login was used from a device not seen before, or after many refused tries. If it was not you, \
                 change your password and end every other session.",
                "/account",
            ),
            Self::BreakGlassBegan => (
                "A colleague opened a chart outside their care team for an urgent reason. Read why and review it \
                 within 72 hours.",
                "/break-glass",
            ),
            Self::BreakGlassReviewDue => {
                ("An urgent access was not reviewed within 72 hours. Please review it now.", "/break-glass")
            }
            Self::ApprovalWanted => ("A colleague asks for your approval or signature.", "/approvals"),
            Self::FileFault => (
                "A stored document was altered or is missing. It will not be shown. Do not delete anything; bring the \
                 object back from a backup, and follow the runbook.",
                "/settings/secrets",
            ),
            Self::CallerWaits => (
                "Somebody rang from a number we do not know and was promised to be rung back. The time has passed. Ring \
                 them now, or take it over from whoever owns it.",
                "/callers",
            ),
            Self::RecordFault => (
                "Verification of the record found a fault. Do not delete anything; run `careline audit verify` and \
                 follow the runbook.",
                "/record",
            ),
            Self::WitnessAway => (
                "For more than ten minutes signed checkpoints of the record could not be written to their second place. \
                 They are kept and tried again; ask the operator to look at CARELINE_WITNESS_URL.",
                "/record",
            ),
        }
    }
}
