//! Consent: what a patient or contact allowed, for which purpose and channel, with evidence. A row is a fact; the
//! newest one about a person, purpose and channel is in force.

use super::{
    contact_hours::Channel,
    ids::{CallId, ConsentId, ContactId, PatientId, StaffId},
    people::PhoneNumber,
    private::Private,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is allowed or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPurpose {
    /// Planned calls and texts to their number, by the channel that goes with it.
    BeCalled,
    /// Speaking about the patient's health with this person.
    DiscussHealth,
    /// Recording and transcription of a call.
    RecordCall,
    /// Being asked by an automatic voice about how they feel.
    AutomatedCalls,
    /// Being asked by automated texts about how they feel.
    ClinicalTexts,
}

impl ConsentPurpose {
    /// Every purpose, in the order forms list them.
    pub const ALL: [Self; 5] =
        [Self::BeCalled, Self::DiscussHealth, Self::RecordCall, Self::AutomatedCalls, Self::ClinicalTexts];

    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::BeCalled => "be_called",
            Self::DiscussHealth => "discuss_health",
            Self::RecordCall => "record_call",
            Self::AutomatedCalls => "automated_calls",
            Self::ClinicalTexts => "clinical_texts",
        }
    }

    /// The purpose of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word)
    }
}

/// By which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentChannel {
    /// By telephone.
    Voice,
    /// By text message.
    Sms,
    /// By any way.
    Any,
}

impl ConsentChannel {
    /// Every channel, in the order forms list them.
    pub const ALL: [Self; 3] = [Self::Voice, Self::Sms, Self::Any];

    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Sms => "sms",
            Self::Any => "any",
        }
    }

    /// The channel of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    /// The ways it speaks of.
    #[must_use]
    pub const fn covers(self) -> &'static [Channel] {
        match self {
            Self::Voice => &[Channel::Voice],
            Self::Sms => &[Channel::Text],
            Self::Any => &[Channel::Voice, Channel::Text],
        }
    }
}

/// Whether it was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentAnswer {
    /// Allowed.
    Given,
    /// Refused, or withdrawn after it was given.
    Refused,
}

/// One fact of consent.
#[derive(Clone)]
pub struct Consent {
    /// Its id.
    pub id: ConsentId,
    /// The patient whose care it concerns.
    pub patient: PatientId,
    /// The contact it is about; `None` is the patient themself.
    pub contact: Option<ContactId>,
    /// What for.
    pub purpose: ConsentPurpose,
    /// By which way.
    pub channel: ConsentChannel,
    /// Allowed or not.
    pub answer: ConsentAnswer,
    /// The number it is about, for the purpose of being contacted; set when it is written.
    pub number: Option<Private<PhoneNumber>>,
    /// How it is known, such as `signed form of 2026-11-02`.
    pub evidence: Private<String>,
    /// Who wrote it down; `None` is the person on the line.
    pub author: Option<StaffId>,
    /// The call it was said on.
    pub call: Option<CallId>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Consent {
    /// The ways by which the patient may no longer be contacted because of this fact; `None` when it closes none.
    #[must_use]
    pub const fn closes(&self) -> Option<&'static [Channel]> {
        match (self.purpose, self.answer, self.contact) {
            (ConsentPurpose::BeCalled, ConsentAnswer::Refused, None) => Some(self.channel.covers()),
            (
                ConsentPurpose::BeCalled
                | ConsentPurpose::DiscussHealth
                | ConsentPurpose::RecordCall
                | ConsentPurpose::AutomatedCalls
                | ConsentPurpose::ClinicalTexts,
                ConsentAnswer::Given | ConsentAnswer::Refused,
                _,
            ) => None,
        }
    }
}
