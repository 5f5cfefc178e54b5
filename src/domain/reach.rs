//! Who reaches whom inside one organization: by care team, or for an hour by urgent access ("break-glass").

use super::ids::BreakGlassId;
use chrono::{DateTime, TimeDelta, Utc};

/// How long an urgent access lasts.
pub const URGENT_LASTS: TimeDelta = TimeDelta::minutes(60);
/// Within which time it must be reviewed.
pub const REVIEW_WITHIN: TimeDelta = TimeDelta::hours(72);
/// How often the reviewers are reminded after that.
pub const REMIND_EVERY: TimeDelta = TimeDelta::hours(24);
/// More than this many by one person in `USUAL_SPAN` stand out on the review queue.
pub const USUAL: i64 = 2;
/// The span over which urgent accesses are counted.
pub const USUAL_SPAN: TimeDelta = TimeDelta::days(7);

/// How an actor reaches a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// No person acts: Careline itself, the carrier, the operator.
    Everyone,
    /// They serve the patient's care team.
    Team,
    /// By urgent access: reading and calling, nothing else.
    Urgent(UrgentAccess),
}

impl Reach {
    /// The urgent access, if that is how.
    #[must_use]
    pub const fn urgent(self) -> Option<UrgentAccess> {
        match self {
            Self::Urgent(access) => Some(access),
            Self::Everyone | Self::Team => None,
        }
    }
}

/// An urgent access under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrgentAccess {
    /// Its id.
    pub id: BreakGlassId,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal, $says:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant),+ }

        impl $name {
            /// Every one, in the order the forms list them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word stored.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What a person reads.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says),+ }
            }

            /// The one of a stored or sent word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// Why somebody needs a chart outside their teams.
    UrgentReason {
        /// The patient or their family rang.
        PatientCalled = "patient_called", "The patient or family rang us";
        /// Covering for a colleague of the other team.
        Covering = "covering", "Covering for a colleague";
        /// Somebody's life or comfort is at stake.
        Emergency = "emergency", "An emergency";
        /// Anything else; the words say what.
        Other = "other", "Another reason, written below";
    }
}

words! {
    /// How an urgent access ended.
    UrgentEnd {
        /// Its time was over.
        RanOut = "ran_out", "its time was over";
        /// Given back before.
        GivenBack = "given_back", "given back";
    }
}

words! {
    /// What a reviewer found about an urgent access.
    UrgentFinding {
        /// It was right to take it.
        Justified = "justified", "Justified";
        /// It was not; somebody will talk about it.
        NotJustified = "not_justified", "Not justified";
    }
}

words! {
    /// What a coordinator found in a signed assessment.
    ReviewFinding {
        /// Nothing to add.
        NoRemark = "no_remark", "Nothing to add";
        /// The nurse and the coordinator should talk.
        TalkAboutIt = "talk_about_it", "Let us talk about it";
    }
}
