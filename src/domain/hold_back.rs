//! Why a call or a text is held back: which rule, until when, and who can act. Read by whoever meets a closed door: the
//! planning page, the worklist, the page of a call, the record.

use super::contact_hours::Channel;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// A rule that holds something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The patient has died.
    Deceased,
    /// The patient is in hospital or an inpatient unit.
    Admitted,
    /// The patient left the service or was handed to another.
    NotFollowed,
    /// No consent is recorded for this number and channel.
    NeverAsked,
    /// Consent was refused or withdrawn.
    ConsentWithdrawn,
    /// Whoever has the number said stop.
    OptedOut,
    /// Outside the patient's hours.
    OutsideHours,
    /// A holiday of the organization.
    Holiday,
    /// The number was rung often enough today.
    DayFull,
    /// The number was rung often enough in seven days.
    WeekFull,
    /// The patient's own hours and the organization's share no minute.
    NeverOpen,
    /// No consent to be asked by an automatic voice is in force.
    NoAutomatedConsent,
    /// No consent to texts with clinical words is in force.
    NoClinicalTexts,
}

/// What holds a call or a text back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldBack {
    /// The rule.
    pub rule: Rule,
    /// When it lets go by itself; `None` is never, unless a person acts.
    pub until: Option<DateTime<Utc>>,
}

impl HoldBack {
    /// The code stored as the outcome.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.rule.code()
    }

    /// The rule, until when, and who can act, as a sentence for the person who asked.
    #[must_use]
    pub fn says(self, channel: Channel, zone: Tz) -> String {
        let until = self.until.map_or_else(String::new, |at| {
            format!(" The next time is {}.", at.with_timezone(&zone).format("%a %-d %b %H:%M (%Z)"))
        });
        format!("{}.{until} {}", self.rule.words(channel), self.rule.remedy())
    }
}

impl Rule {
    /// Every rule, in the order they are asked.
    pub const ALL: [Self; 13] = [
        Self::Deceased,
        Self::Admitted,
        Self::NotFollowed,
        Self::NeverAsked,
        Self::ConsentWithdrawn,
        Self::OptedOut,
        Self::Holiday,
        Self::OutsideHours,
        Self::DayFull,
        Self::WeekFull,
        Self::NeverOpen,
        Self::NoAutomatedConsent,
        Self::NoClinicalTexts,
    ];

    /// The code stored and recorded.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deceased => "patient_deceased",
            Self::Admitted => "patient_admitted",
            Self::NotFollowed => "patient_not_followed",
            Self::NeverAsked => "no_consent_to_calls",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::OptedOut => "number_opted_out",
            Self::OutsideHours => "outside_calling_hours",
            Self::Holiday => "holiday",
            Self::DayFull => "rung_enough_today",
            Self::WeekFull => "rung_enough_this_week",
            Self::NeverOpen => "no_common_hours",
            Self::NoAutomatedConsent => "no_automated_consent",
            Self::NoClinicalTexts => "no_consent_to_clinical_texts",
        }
    }

    /// The rule of a stored code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.code() == code)
    }

    /// What the rule says, without a full stop.
    #[must_use]
    pub const fn words(self, channel: Channel) -> &'static str {
        match (self, channel) {
            (Self::Deceased, _) => "The patient has died",
            (Self::Admitted, _) => "The patient is in hospital",
            (Self::NotFollowed, _) => "The patient is no longer followed",
            (Self::NeverAsked, Channel::Voice) => "No consent to be called is in force for this number",
            (Self::NeverAsked, Channel::Text) => "No consent to be texted is in force for this number",
            (Self::ConsentWithdrawn, Channel::Voice) => "Consent to be called was refused or withdrawn",
            (Self::ConsentWithdrawn, Channel::Text) => "Consent to be texted was refused or withdrawn",
            (Self::OptedOut, Channel::Voice) => "This number asked for no more calls",
            (Self::OptedOut, Channel::Text) => "This number asked for no more texts",
            (Self::OutsideHours, _) => "That is outside the patient's calling hours",
            (Self::Holiday, _) => "That day is a holiday of the organization",
            (Self::DayFull, _) => "This number was rung as often as allowed today",
            (Self::WeekFull, _) => "This number was rung as often as allowed in seven days",
            (Self::NeverOpen, _) => "The patient's own hours and the organization's share no minute",
            (Self::NoAutomatedConsent, _) => "No consent to be asked by an automatic voice is in force",
            (Self::NoClinicalTexts, _) => "No consent to clinical texts is in force",
        }
    }

    /// Who can act, and where, as a sentence.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Deceased => "If that is wrong, correct it in the chart: Calls, texts and consent.",
            Self::Admitted | Self::NotFollowed => {
                "Once that has changed, a nurse, coordinator or physician says so in the chart: Calls, texts and consent."
            }
            Self::NoAutomatedConsent => {
                "Ask them, then record the consent to automated calls in the chart, or plan a call with a nurse instead."
            }
            Self::NoClinicalTexts => {
                "Ask them, then record the consent to clinical texts in the chart (Calls, texts and consent), or plan a call \
                 with a nurse instead."
            }
            Self::NeverAsked | Self::ConsentWithdrawn => {
                "Ask them, then record the patient's consent in the chart: Calls, texts and consent."
            }
            Self::OptedOut => {
                "Only when they ask for it again is it lifted: by a text START, or by a nurse or coordinator in the \
                 chart: Calls, texts and consent."
            }
            Self::OutsideHours | Self::NeverOpen => {
                "A nurse or coordinator changes the patient's hours in the chart, an admin the organization's under Calling."
            }
            Self::Holiday => {
                "An admin changes holidays under Calling. What cannot wait is done from your own telephone."
            }
            Self::DayFull | Self::WeekFull => {
                "An admin sets how often under Calling. What cannot wait is done from your own telephone."
            }
        }
    }
}
