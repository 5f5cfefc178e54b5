//! Names for things: one newtype per noun over a UUIDv7 made from the clock's instant, so ids sort by time
//! and no id can be mistaken for another.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::{NoContext, Timestamp, Uuid};

macro_rules! id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id that sorts by `now` (RFC 9562, version 7).
            #[must_use]
            pub fn at(now: DateTime<Utc>) -> Self {
                Self(uuid_at(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    )+};
}

id! {
    /// One care agency, the tenant.
    OrgId,
    /// A login of the organization.
    StaffId,
    /// A signed-in session of a staff member.
    SessionId,
    /// A token by which a program acts for a staff member.
    TokenId,
    /// What opens an organization's own account at a provider.
    CredentialId,
    /// A sign-in on its way through a provider.
    SignOnId,
    /// A browser that somebody signed in from.
    DeviceId,
    /// A request to choose a forgotten password anew.
    ResetId,
    /// The person cared for.
    PatientId,
    /// A family member or caregiver.
    ContactId,
    /// One thing a patient or contact allowed or refused.
    ConsentId,
    /// One planned conversation with a patient.
    CallId,
    /// One dial of a call through the carrier.
    AttemptId,
    /// One party's connection in the conference.
    LegId,
    /// The forked audio of one leg.
    StreamId,
    /// One stretch of audio that never reached us.
    GapId,
    /// One transcribed stretch of speech.
    UtteranceId,
    /// Answers, fired rules and disposition of a call.
    AssessmentId,
    /// One question of a nurse with its quoted answer.
    GuidanceId,
    /// Work owed to a patient.
    FollowUpId,
    /// One unit of background work.
    JobId,
    /// One encrypted file of a patient.
    FileId,
    /// One passkey of a staff member.
    PasskeyId,
    /// One authenticator app of a staff member.
    AppId,
    /// One recovery code of a staff member.
    RecoveryCodeId,
    /// One challenge that waits for a passkey's answer.
    CeremonyId,
    /// A sign-in whose password was right and whose second factor is owed.
    HalfSignInId,
    /// A care team: staff and the patients they serve.
    TeamId,
    /// One staff member's time in a care team.
    MembershipId,
    /// One urgent access to a patient outside one's teams.
    BreakGlassId,
    /// One right of one staff member.
    RightId,
    /// Something that waits for a second person.
    ApprovalId,
    /// One text, out or in.
    TextId,
    /// One word of a number: stop, or go on.
    OptOutId,
    /// One change of where a patient stands.
    StatusChangeId,
    /// Somebody asked into a live call.
    GuestId,
    /// Somebody who listens to a live call in their browser.
    ListeningId,
    /// A telephone number outside the organization that nurses may ask into a call.
    OutsideId,
    /// A call on its way to another nurse or physician.
    HandOverId,
    /// What one change has called off.
    CallingOffId,
    /// One pause of dialling.
    PauseId,
    /// How often one patient is rung.
    PlanId,
    /// One weekly stretch of a staff member's work.
    ShiftId,
    /// One day of a staff member that is not like the others.
    ExceptionId,
    /// One time in which a colleague has somebody's calls.
    CoverId,
    /// Somebody who rang from a number that is not one patient's.
    CallerId,
    /// One answer by key in a check-in.
    AnswerId,
    /// One hold that keeps a recording from being erased.
    HoldId,
    /// The draft of what was said on a call.
    DraftId,
    /// One item of such a draft.
    ItemId,
}

fn uuid_at(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

impl OrgId {
    /// Where nobody is: what happens before an organization is known, or for a code that none has.
    pub const NOBODYS: Self = Self(Uuid::nil());
}
