//! The call: one planned conversation with a patient, as a pure state machine. Events come from our own jobs and from the
//! carrier, in any order and more than once; what does not fit the state changes nothing.

mod purpose;

pub use purpose::CallPurpose;

use super::{
    ids::{CallId, ContactId, PatientId, StaffId},
    script::Script,
};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Planned; nothing rings.
    Scheduled,
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
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
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
            Self::Scheduled | Self::Placing | Self::Placed | Self::WaitingForNurse | Self::Bridged => false,
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

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// An attempt is intended and will be dialled.
    Armed,
    /// The carrier accepted the attempt, or it was found there.
    Bound,
    /// The carrier did not take the attempt and will not.
    NotTaken,
    /// The carrier refused the number for good.
    NumberRefused,
    /// The attempt ended before the conference.
    Unreached(Unreached),
    /// Too many wrong entries.
    IdentityRefused,
    /// A caregiver answered who may not talk about health.
    CaregiverMayNot,
    /// Identity is proven and the consent question answered; the leg enters the conference.
    Ready,
    /// A nurse was rung and did not come.
    NurseDidNotCome,
    /// No nurse is left to ring.
    NoNurseLeft,
    /// A nurse's leg is in the conference with the patient's.
    NurseJoined,
    /// The patient's leg ended.
    PatientLeft,
    /// The nurse's leg ended.
    NurseLeft,
    /// The outcome of an attempt stays unknown.
    Unresolved,
    /// A person, or a change of the patient's status, called it off.
    CalledOff,
}

/// Why an attempt did not reach the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// The line was busy.
    Busy,
    /// Nobody picked up.
    NoAnswer,
    /// The carrier could not connect.
    Failed,
    /// Somebody or something answered and pressed nothing.
    NoKeys,
    /// They hung up before the conference.
    HungUp,
}

impl Unreached {
    /// The code stored as the outcome.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Failed => "failed",
            Self::NoKeys => "no_keys",
            Self::HungUp => "hung_up",
        }
    }
}

/// What must be done because of an event, in the transaction that stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Dial again at this instant.
    DialAgain(DateTime<Utc>),
    /// Ring a nurse, or the next one.
    RingNurse,
    /// End every leg at the carrier.
    HangUp,
    /// Leave work for a named person.
    FollowUp(Owed),
}

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
        }
    }
}

/// The event does not fit the state; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfTurn;

/// One planned conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Whom it is for.
    pub patient: PatientId,
    /// Why it is planned.
    pub purpose: CallPurpose,
    /// The protocol asked on it.
    pub protocol: String,
    /// The nurse planned for it.
    pub nurse: Option<StaffId>,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Where it stands.
    pub state: CallState,
    /// Why it ended or waits, a code.
    pub outcome: Option<String>,
    /// Attempts so far.
    pub attempts: i32,
    /// The organization's limit of attempts.
    pub most_attempts: i32,
    /// The organization's pause between attempts, in minutes.
    pub retry_minutes: i32,
    /// Who speaks on the patient's leg, once proven.
    pub speaker: Option<Speaker>,
    /// The caregiver who proved who they are.
    pub contact: Option<ContactId>,
    /// Where the call script stands.
    pub script: Script,
    /// Consent to record; `None` until asked.
    pub may_record: Option<bool>,
    /// Nurses rung so far.
    pub nurses_asked: Vec<StaffId>,
    /// When patient and nurse began to talk.
    pub bridged_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Call {
    /// The conference of this call: an id, never a person's name.
    #[must_use]
    pub fn conference(&self) -> String {
        format!("call-{}", self.id)
    }

    /// Takes an event. The errands must be stored in the same transaction as the new state.
    ///
    /// # Errors
    /// `OutOfTurn` when the event does not fit; the call is then unchanged.
    pub fn follow(&mut self, event: CallEvent, now: DateTime<Utc>) -> Result<Vec<Errand>, OutOfTurn> {
        let errands = match self.state {
            CallState::Scheduled => self.while_scheduled(event, now),
            CallState::Placing => self.while_placing(event, now),
            CallState::Placed => self.while_placed(event, now),
            CallState::WaitingForNurse => self.while_waiting(event, now),
            CallState::Bridged => self.while_bridged(event, now),
            CallState::Done | CallState::Missed | CallState::Cancelled | CallState::NeedsPerson => None,
        };
        errands.ok_or(OutOfTurn)
    }

    fn while_scheduled(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::Armed {
            self.attempts = self.attempts.saturating_add(1);
            self.script = Script::default();
            return Some(self.go(CallState::Placing, None));
        }
        if event == CallEvent::Unresolved {
            return Some(self.needs_person(Owed::Unresolved, now));
        }
        (event == CallEvent::CalledOff).then(|| self.over(CallState::Cancelled, "called_off", now))
    }

    fn while_placing(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::Bound {
            return Some(self.go(CallState::Placed, None));
        }
        if event == CallEvent::NotTaken {
            return Some(self.not_taken(now));
        }
        if event == CallEvent::NumberRefused {
            return Some(self.needs_person(Owed::NumberRefused, now));
        }
        if event == CallEvent::Unresolved {
            return Some(self.needs_person(Owed::Unresolved, now));
        }
        self.while_ringing(event, now)
    }

    /// No telephone rang, so this was no attempt on the person.
    fn not_taken(&mut self, now: DateTime<Utc>) -> Vec<Errand> {
        self.attempts = self.attempts.saturating_sub(1);
        self.go(CallState::Scheduled, Some("carrier_busy"));
        vec![Errand::DialAgain(now + Duration::seconds(30))]
    }

    fn while_placed(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::NotTaken {
            // Taken back from the carrier's queue.
            return Some(self.not_taken(now));
        }
        if event == CallEvent::Ready {
            self.go(CallState::WaitingForNurse, None);
            return Some(vec![Errand::RingNurse]);
        }
        if event == CallEvent::IdentityRefused {
            return Some(self.needs_person(Owed::IdentityNotProven, now));
        }
        if event == CallEvent::CaregiverMayNot {
            return Some(self.needs_person(Owed::CaregiverMayNot, now));
        }
        self.while_ringing(event, now)
    }

    /// What may happen before the person has proven who they are, bound or not.
    fn while_ringing(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if let CallEvent::Unreached(why) = event {
            return Some(self.unreached(why, now));
        }
        (event == CallEvent::CalledOff).then(|| self.call_off(now))
    }

    fn while_waiting(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::NurseJoined {
            self.bridged_at = Some(now);
            return Some(self.go(CallState::Bridged, None));
        }
        if event == CallEvent::NurseDidNotCome {
            return Some(vec![Errand::RingNurse]);
        }
        if event == CallEvent::CalledOff {
            return Some(self.call_off(now));
        }
        let owed = if event == CallEvent::NoNurseLeft {
            Owed::NoNurse
        } else if event == CallEvent::PatientLeft {
            Owed::PatientHungUpWaiting
        } else {
            return None;
        };
        let mut errands = self.needs_person(owed, now);
        errands.push(Errand::HangUp);
        Some(errands)
    }

    fn while_bridged(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        matches!(event, CallEvent::PatientLeft | CallEvent::NurseLeft).then(|| {
            self.over(CallState::Done, "talked", now);
            vec![Errand::HangUp]
        })
    }

    fn call_off(&mut self, now: DateTime<Utc>) -> Vec<Errand> {
        self.over(CallState::Cancelled, "called_off", now);
        vec![Errand::HangUp]
    }

    fn unreached(&mut self, why: Unreached, now: DateTime<Utc>) -> Vec<Errand> {
        if self.attempts < self.most_attempts {
            self.go(CallState::Scheduled, Some(why.code()));
            return vec![Errand::DialAgain(now + Duration::minutes(i64::from(self.retry_minutes)))];
        }
        self.over(CallState::Missed, why.code(), now);
        vec![Errand::FollowUp(Owed::Missed)]
    }

    fn needs_person(&mut self, owed: Owed, now: DateTime<Utc>) -> Vec<Errand> {
        self.over(CallState::NeedsPerson, owed.code(), now);
        vec![Errand::FollowUp(owed)]
    }

    fn over(&mut self, state: CallState, outcome: &str, now: DateTime<Utc>) -> Vec<Errand> {
        self.script.end();
        self.ended_at = Some(now);
        self.go(state, Some(outcome))
    }

    fn go(&mut self, state: CallState, outcome: Option<&str>) -> Vec<Errand> {
        self.state = state;
        self.outcome = outcome.map(str::to_owned);
        Vec::new()
    }
}
