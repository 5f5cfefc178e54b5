//! What may happen on a call while a machine asks: by voice, answered by keys, or by text, answered by texts.

use super::{Call, CallEvent, CallManner, CallPurpose, CallState, Errand, Owed};
use crate::domain::script::{Prompt, Scene};
use chrono::{DateTime, Duration, Utc};

/// After "not now" they are asked again so much later.
const LATER: Duration = Duration::minutes(60);
/// So often a check-in by text is begun in all.
const MOST_BEGINNINGS: i32 = 3;

impl Call {
    /// A prompt as this call words it: whoever rang us is not asked whether they asked for a call, and whoever is asked by a
    /// machine is not told that a person follows.
    #[must_use]
    pub fn opening(&self, prompt: Prompt) -> Prompt {
        match (self.purpose, prompt) {
            (CallPurpose::Inbound, Prompt::WhoIsThere) => Prompt::WhoRings,
            (_, Prompt::WhoIsThere) if self.manner == CallManner::Keypad => Prompt::WhoIsThereForKeys,
            (_, prompt) => prompt,
        }
    }

    /// While the automatic voice asks: whoever has answered a part of it is not rung again by a machine.
    pub(super) fn while_asked(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if event == CallEvent::CheckedIn {
            self.over(CallState::Done, "checked_in", now);
            return Some(vec![Errand::FollowUp(Owed::CheckInToRead)]);
        }
        if event == CallEvent::FellSilent {
            return Some(self.needs_person(Owed::CheckInSilent, now));
        }
        if let CallEvent::Unreached(_) = event {
            return Some(self.needs_person(Owed::CheckInCutOff, now));
        }
        (event == CallEvent::CalledOff).then(|| self.call_off(now))
    }

    /// What only a check-in by text knows: nobody is on a line, so whatever ends it leaves work for a person.
    pub(super) fn while_texting(&mut self, event: CallEvent, now: DateTime<Utc>) -> Option<Vec<Errand>> {
        if self.manner != CallManner::ReplyText {
            return None;
        }
        let is_asked = self.script.scene == Scene::Questions;
        match event {
            CallEvent::AskedForPerson => Some(self.needs_person(Owed::CheckInPerson, now)),
            CallEvent::RedFlagByText if is_asked => Some(self.needs_person(Owed::RedFlagAlone, now)),
            CallEvent::BrokeOff => Some(self.needs_person(Owed::CheckInCutOff, now)),
            CallEvent::NotNow | CallEvent::FellSilent if !is_asked => Some(self.ask_later(event, now)),
            CallEvent::CalledOff => {
                self.over(CallState::Cancelled, "called_off", now);
                Some(Vec::new())
            }
            CallEvent::Armed
            | CallEvent::Bound
            | CallEvent::NotTaken
            | CallEvent::NumberRefused
            | CallEvent::Unreached(_)
            | CallEvent::IdentityRefused
            | CallEvent::CaregiverMayNot
            | CallEvent::Ready
            | CallEvent::NurseFirst
            | CallEvent::HeldBack
            | CallEvent::NurseDidNotCome
            | CallEvent::NoNurseLeft
            | CallEvent::NurseJoined
            | CallEvent::PatientJoined
            | CallEvent::PatientLeft
            | CallEvent::NurseLeft
            | CallEvent::NurseLeftHolding
            | CallEvent::Unresolved
            | CallEvent::WindowClosed
            | CallEvent::CheckedIn
            | CallEvent::FellSilent
            | CallEvent::AskedByText
            | CallEvent::NotNow
            | CallEvent::RedFlagByText => None,
        }
    }

    /// Whoever wishes to be asked later is; whoever never answered, or too often "later", is left to a person.
    fn ask_later(&mut self, event: CallEvent, now: DateTime<Utc>) -> Vec<Errand> {
        let at = now + LATER;
        if event == CallEvent::NotNow && self.attempts < MOST_BEGINNINGS && !self.is_too_late(at) {
            self.script.end();
            self.go(CallState::Scheduled, Some("not_now"));
            return vec![Errand::DialAgain(at)];
        }
        self.over(CallState::Missed, "no_reply", now);
        vec![Errand::FollowUp(Owed::Missed)]
    }
}
