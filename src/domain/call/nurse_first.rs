//! A call whose nurse is rung first: the patient's telephone stays quiet until a nurse waits in the conference.

use super::{Call, CallEvent, CallState, Errand, Owed, Unreached};
use chrono::{DateTime, Utc};

/// Whose telephone rings first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstRung {
    /// The patient's; a nurse is rung once identity is proven.
    Patient,
    /// A nurse's; the patient is rung once a nurse waits for them.
    Nurse,
}

impl FirstRung {
    /// Both, in the order forms list them.
    pub const ALL: [Self; 2] = [Self::Patient, Self::Nurse];

    /// The word stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Nurse => "nurse",
        }
    }

    /// The one of a stored or sent word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

impl Call {
    /// A new round: every nurse may be asked again.
    pub(super) fn ask_nurse(&mut self) -> Vec<Errand> {
        self.nurses_asked.clear();
        self.nurse_rounds = self.nurse_rounds.saturating_add(1);
        self.go(CallState::AskingNurse, None);
        vec![Errand::RingNurse]
    }

    pub(super) fn while_asking_nurse(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::NurseJoined {
            self.nurse_since = Some(now);
            self.go(CallState::NurseReady, None);
            return Some(vec![Errand::DialPatient]);
        }
        if event == CallEvent::NurseDidNotCome {
            return Some(vec![Errand::RingNurse]);
        }
        if event == CallEvent::NoNurseLeft {
            return Some(self.unreached(Unreached::NoNurse, now));
        }
        (event == CallEvent::CalledOff).then(|| self.call_off(now))
    }

    pub(super) fn while_nurse_ready(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::Armed {
            return Some(self.arm());
        }
        if event == CallEvent::NurseLeft {
            // Nobody was rung yet, so nobody waits: the next nurse is asked first.
            self.nurse_since = None;
            self.go(CallState::AskingNurse, None);
            return Some(vec![Errand::RingNurse]);
        }
        if event == CallEvent::HeldBack {
            return Some(self.go(CallState::Scheduled, None));
        }
        if event == CallEvent::WindowClosed {
            self.over(CallState::Missed, "window_closed", now);
            return Some(vec![Errand::FollowUp(Owed::Missed)]);
        }
        if event == CallEvent::Unresolved {
            return Some(self.needs_person(Owed::Unresolved, now));
        }
        (event == CallEvent::CalledOff).then(|| self.call_off(now))
    }

    /// What a patient in the conference needs: nothing when a nurse is there already.
    pub(super) fn nurse_for_waiting(&self) -> Vec<Errand> {
        if self.nurse_since.is_some() { Vec::new() } else { vec![Errand::RingNurse] }
    }

    /// While the patient is on the way to a nurse or a nurse to the patient.
    pub(super) fn while_both_come(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        let nurse_is_there = self.nurse_since.is_some();
        let they_meet = if nurse_is_there { CallEvent::PatientJoined } else { CallEvent::NurseJoined };
        if event == they_meet {
            self.nurse_since = None;
            self.bridged_at = Some(now);
            return Some(self.go(CallState::Bridged, None));
        }
        let is_alone = if nurse_is_there { CallEvent::NurseLeft } else { CallEvent::NurseDidNotCome };
        (event == is_alone).then(|| {
            self.nurse_since = None;
            vec![Errand::RingNurse]
        })
    }

    /// Where a call stands whose dial was not taken: with a nurse who waits, it is dialled again for her.
    pub(super) const fn before_dialling(&self) -> CallState {
        if self.nurse_since.is_some() { CallState::NurseReady } else { CallState::Scheduled }
    }

    /// A nurse waits only for a patient who is about to be rung, is being rung or is on the line.
    pub(super) fn free_nurse(&mut self, errands: &mut Vec<Errand>) {
        let waits_for_somebody = match self.state {
            CallState::NurseReady
            | CallState::Placing
            | CallState::Placed
            | CallState::WaitingForNurse
            | CallState::Bridged => true,
            CallState::Scheduled
            | CallState::AskingNurse
            | CallState::Done
            | CallState::Missed
            | CallState::Cancelled
            | CallState::NeedsPerson => false,
        };
        if waits_for_somebody || self.nurse_since.take().is_none() {
            return;
        }
        // Who hangs up every leg ends hers too.
        if !errands.contains(&Errand::HangUp) {
            errands.push(Errand::LetNurseGo);
        }
    }
}
