//! What may happen on a call while an automatic voice asks.

use super::{Call, CallEvent, CallState, Errand, Owed};
use chrono::{DateTime, Utc};

impl Call {
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
}
