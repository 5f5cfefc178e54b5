//! The call: one planned conversation with a patient, as a pure state machine. Events come from our own jobs and from the
//! carrier, in any order and more than once; what does not fit the state changes nothing.

mod purpose;
mod retry;
mod state;

pub use purpose::CallPurpose;
pub use retry::{LONGEST_PAUSE_MINUTES, MOST_TRIES, RetryPolicy, RetryRule};
pub use state::{CallState, Speaker};

use super::{
    ids::{CallId, ContactId, PatientId, StaffId},
    script::{Prompt, Script},
};
use chrono::{DateTime, Duration, Utc};

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
    /// The time in which it was to be placed is over.
    WindowClosed,
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
    /// Every way, in the order forms list them.
    pub const ALL: [Self; 5] = [Self::NoAnswer, Self::Busy, Self::NoKeys, Self::HungUp, Self::Failed];

    /// The way of a stored code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.code() == code)
    }

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
    /// Somebody rang us and was gone before they had a nurse.
    CallerGone,
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
    /// The organization's rules on ringing again.
    pub retry: RetryPolicy,
    /// After this no telephone rings for it; `None` is no bound.
    pub window_until: Option<DateTime<Utc>>,
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

    /// Whether an instant is past the time in which this call was to be placed.
    #[must_use]
    pub fn is_too_late(&self, at: DateTime<Utc>) -> bool {
        self.window_until.is_some_and(|until| at > until)
    }

    /// A prompt as this call words it: whoever rang us is not asked whether they asked for a call.
    #[must_use]
    pub fn opening(&self, prompt: Prompt) -> Prompt {
        match (self.purpose, prompt) {
            (CallPurpose::Inbound, Prompt::WhoIsThere) => Prompt::WhoRings,
            (_, prompt) => prompt,
        }
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
        if event == CallEvent::WindowClosed {
            self.over(CallState::Missed, "window_closed", now);
            return Some(vec![Errand::FollowUp(Owed::Missed)]);
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
        // Whoever rang us and was cut off is owed a person, not a machine that rings back.
        if self.purpose == CallPurpose::Inbound {
            self.over(CallState::Missed, why.code(), now);
            return vec![Errand::FollowUp(Owed::CallerGone)];
        }
        let again = self.retry.after(why).pause_after(self.attempts).map(|pause| now + pause);
        if let Some(at) = again.filter(|at| !self.is_too_late(*at)) {
            self.go(CallState::Scheduled, Some(why.code()));
            return vec![Errand::DialAgain(at)];
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
