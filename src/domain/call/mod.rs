//! The call: one planned conversation with a patient, as a pure state machine. Events come from our own jobs and from the
//! carrier, in any order and more than once; what does not fit the state changes nothing.

mod asked;
mod manner;
mod nurse_first;
mod owed;
mod purpose;
mod retry;
mod state;

pub use manner::CallManner;
pub use nurse_first::FirstRung;
pub use owed::Owed;
pub use purpose::CallPurpose;
pub use retry::{LONGEST_PAUSE_MINUTES, MOST_TRIES, RetryPolicy, RetryRule};
pub use state::{CallState, Speaker};

use super::{
    ids::{CallId, ContactId, PatientId, StaffId},
    script::{Scene, Script},
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
    /// The call is due, and a nurse is to be rung before the patient.
    NurseFirst,
    /// A rule holds the call back while a nurse waits for its patient.
    HeldBack,
    /// A nurse was rung and did not come.
    NurseDidNotCome,
    /// No nurse is left to ring.
    NoNurseLeft,
    /// A nurse's leg is in the conference.
    NurseJoined,
    /// The patient's leg is in the conference.
    PatientJoined,
    /// The patient's leg ended.
    PatientLeft,
    /// The nurse's leg ended.
    NurseLeft,
    /// The nurse's leg ended while the patient was on hold.
    NurseLeftHolding,
    /// The outcome of an attempt stays unknown.
    Unresolved,
    /// A person, or a change of the patient's status, called it off.
    CalledOff,
    /// The time in which it was to be placed is over.
    WindowClosed,
    /// The automatic voice asked its last question.
    CheckedIn,
    /// Nobody answered the machine any more.
    FellSilent,
    /// The first text of a check-in by text is written.
    AskedByText,
    /// Whoever reads the texts wants to be asked later.
    NotNow,
    /// Whoever reads the texts wants a person, or cannot be asked by text.
    AskedForPerson,
    /// A red flag came up by text.
    RedFlagByText,
    /// A check-in by text cannot go on: a stop, closing hours, a text that did not go out.
    BrokeOff,
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
    /// No nurse took the call, so the patient was not rung.
    NoNurse,
    /// A voicemail answered.
    Voicemail,
}

impl Unreached {
    /// Every way, in the order forms list them.
    pub const ALL: [Self; 7] =
        [Self::NoAnswer, Self::Busy, Self::Voicemail, Self::NoKeys, Self::HungUp, Self::Failed, Self::NoNurse];

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
            Self::NoNurse => "no_nurse",
            Self::Voicemail => "voicemail",
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
    /// Dial the patient now: a nurse waits for them.
    DialPatient,
    /// Tell the nurse who waits that the patient was not reached, and end her leg.
    LetNurseGo,
    /// End every leg at the carrier.
    HangUp,
    /// Leave work for a named person.
    FollowUp(Owed),
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
    /// Who asks.
    pub manner: CallManner,
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
    /// Whether a red flag came up before a nurse was there.
    pub is_flagged: bool,
    /// Nurses rung so far; where nurses are rung first, in this round.
    pub nurses_asked: Vec<StaffId>,
    /// How often nurses were asked before the patient was rung.
    pub nurse_rounds: i32,
    /// Since when a nurse waits in the conference for a patient who is not there yet.
    pub nurse_since: Option<DateTime<Utc>>,
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

    /// Takes an event. The errands must be stored in the same transaction as the new state.
    ///
    /// # Errors
    /// `OutOfTurn` when the event does not fit; the call is then unchanged.
    pub fn follow(&mut self, event: CallEvent, now: DateTime<Utc>) -> Result<Vec<Errand>, OutOfTurn> {
        let errands = match self.state {
            CallState::Scheduled => self.while_scheduled(event, now),
            CallState::AskingNurse => self.while_asking_nurse(event, now),
            CallState::NurseReady => self.while_nurse_ready(event, now),
            CallState::Placing => self.while_placing(event, now),
            CallState::Placed => self.while_placed(event, now),
            CallState::WaitingForNurse => self.while_waiting(event, now),
            CallState::Bridged => self.while_bridged(event, now),
            CallState::Done | CallState::Missed | CallState::Cancelled | CallState::NeedsPerson => None,
        };
        let mut errands = errands.ok_or(OutOfTurn)?;
        self.free_nurse(&mut errands);
        Ok(errands)
    }

    fn while_scheduled(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::Armed {
            return Some(self.arm());
        }
        if event == CallEvent::NurseFirst {
            return Some(self.ask_nurse());
        }
        if event == CallEvent::AskedByText && self.manner == CallManner::ReplyText {
            self.arm();
            return Some(self.go(CallState::Placed, None));
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

    fn arm(&mut self) -> Vec<Errand> {
        self.attempts = self.attempts.saturating_add(1);
        self.script = Script::default();
        self.go(CallState::Placing, None)
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
        self.go(self.before_dialling(), Some("carrier_busy"));
        vec![Errand::DialAgain(now + Duration::seconds(30))]
    }

    fn while_placed(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::NotTaken {
            // Taken back from the carrier's queue.
            return Some(self.not_taken(now));
        }
        if event == CallEvent::Ready {
            self.go(CallState::WaitingForNurse, None);
            return Some(self.nurse_for_waiting());
        }
        if event == CallEvent::IdentityRefused {
            return Some(self.needs_person(Owed::IdentityNotProven, now));
        }
        if event == CallEvent::CaregiverMayNot {
            return Some(self.needs_person(Owed::CaregiverMayNot, now));
        }
        if let Some(errands) = self.while_texting(event, now) {
            return Some(errands);
        }
        if self.script.scene == Scene::Questions {
            return self.while_asked(event, now);
        }
        self.while_ringing(event, now)
    }

    /// What may happen before the person has proven who they are, bound or not.
    fn while_ringing(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if let CallEvent::Unreached(why) = event {
            return Some(self.unreached(why, now));
        }
        if event == CallEvent::NurseLeft && self.nurse_since.take().is_some() {
            // The ring goes on: another nurse is rung as soon as the patient has proven who they are.
            return Some(Vec::new());
        }
        (event == CallEvent::CalledOff).then(|| self.call_off(now))
    }

    fn while_waiting(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if let Some(errands) = self.while_both_come(event, now) {
            return Some(errands);
        }
        if event == CallEvent::CalledOff {
            return Some(self.call_off(now));
        }
        let ended = matches!(event, CallEvent::NoNurseLeft | CallEvent::PatientLeft);
        let owed = if ended && self.is_flagged {
            Owed::RedFlagAlone
        } else if event == CallEvent::NoNurseLeft {
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
        // Whoever was told to wait is waiting still: the next nurse is rung.
        if event == CallEvent::NurseLeftHolding {
            self.go(CallState::WaitingForNurse, None);
            return Some(vec![Errand::RingNurse]);
        }
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
        let tries = if why == Unreached::NoNurse { self.nurse_rounds } else { self.attempts };
        let again = self.retry.after(why).pause_after(tries).map(|pause| now + pause);
        if let Some(at) = again.filter(|at| !self.is_too_late(*at)) {
            self.go(CallState::Scheduled, Some(why.code()));
            return vec![Errand::DialAgain(at)];
        }
        if why == Unreached::NoNurse {
            return self.needs_person(Owed::NeverRung, now);
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
