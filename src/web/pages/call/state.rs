//! Where the call stands: its state in words, each leg with its audio, and what a person may do about it.

use super::check_in::CheckInPart;
use crate::{
    domain::{
        call::{CallManner, CallState},
        people::Role,
    },
    flows::open_call::{CallHead, CallPage, PageLeg, StreamState},
    web::pages::{call::floor::FloorPart, icons, words},
};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The line at the top of a call.
#[derive(Template)]
#[template(path = "parts/call_state.html")]
pub struct StatePart {
    head: CallHead,
    /// Those that no seat of the floor speaks of.
    legs: Vec<PageLeg>,
    gaps: usize,
    check_in: Option<CheckInPart>,
    may_act: bool,
    now: DateTime<Utc>,
    zone: Tz,
    floor: Option<FloorPart>,
}

impl StatePart {
    /// From the call as it was read, and its floor while people talk.
    #[must_use]
    pub fn of(page: &CallPage, role: Option<Role>, floor: Option<FloorPart>) -> Self {
        let is_seated = |leg: &&PageLeg| floor.as_ref().is_some_and(|floor| floor.seats(leg.id));
        Self {
            head: page.head.clone(),
            legs: page.legs.iter().filter(|leg| !is_seated(leg)).cloned().collect(),
            gaps: page.gaps.len(),
            check_in: CheckInPart::of(page),
            may_act: matches!(role, Some(Role::Nurse | Role::Coordinator)),
            now: page.now,
            zone: page.zone,
            floor,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self.head.state {
            CallState::Scheduled => {
                Some(format!("Falls due {}.", words::moment(&self.head.due_at, &self.zone, &self.now)))
            }
            CallState::AskingNurse => {
                Some("A nurse's telephone rings first. The patient is rung once a nurse waits on the line.".to_owned())
            }
            CallState::NurseReady => Some("A nurse waits on the line. The patient is rung next.".to_owned()),
            CallState::Placing => Some("The carrier is asked to dial. It is asked once.".to_owned()),
            CallState::Placed if self.head.manner == CallManner::ReplyText && self.check_in.is_some() => {
                Some("Automated texts ask one question at a time; replies answer them. No telephone rings.".to_owned())
            }
            CallState::Placed if self.head.manner == CallManner::ReplyText => Some(
                "A text asks whether it is a good time and who reads. Nothing clinical is written before that is proven."
                    .to_owned(),
            ),
            CallState::Placed if self.check_in.is_some() => {
                Some("The automatic voice asks; keys answer it.".to_owned())
            }
            CallState::Placed => Some(
                "The telephone rings, or the call script is proving who answered. Nothing clinical is said yet."
                    .to_owned(),
            ),
            CallState::WaitingForNurse => Some("Identity is proven. A nurse's telephone rings.".to_owned()),
            CallState::Done if self.head.bridged_at.is_none() => {
                Some("Nobody talked: the answers below wait for a nurse to read and sign them.".to_owned())
            }
            CallState::Bridged | CallState::Done => None,
            CallState::Missed | CallState::NeedsPerson => Some("A follow-up was opened for it.".to_owned()),
            CallState::Cancelled => Some("Nothing will ring.".to_owned()),
        }
    }

    /// Whether a refusal to be recorded is what keeps this call unrecorded; a check-in never is.
    fn refused_recording(&self) -> bool {
        self.head.manner == CallManner::Nurse
    }

    /// Those who speak while no words of theirs are written, in words; empty when everybody is heard.
    fn unheard(&self) -> String {
        let who = self.legs.iter().filter(|leg| leg.left_at.is_none() && leg.stream == StreamState::Unheard);
        who.map(|leg| leg.who.as_str()).collect::<Vec<_>>().join(" and ")
    }

    fn may_hang_up(&self) -> bool {
        self.may_act && self.head.state == CallState::Bridged
    }

    fn may_move(&self) -> bool {
        self.may_act && self.head.state == CallState::Scheduled
    }

    fn may_call_off(&self) -> bool {
        self.may_act
            && matches!(
                self.head.state,
                CallState::Scheduled
                    | CallState::AskingNurse
                    | CallState::NurseReady
                    | CallState::Placing
                    | CallState::Placed
                    | CallState::WaitingForNurse
            )
    }
}

/// What a leg's audio is doing, with the mark it wears.
pub(super) fn audio(leg: &PageLeg) -> (&'static str, &'static str) {
    match (leg.left_at, leg.stream) {
        (Some(_), _) => ("", "left the call"),
        (None, StreamState::Open) => ("green", "audio arrives"),
        (None, StreamState::Unheard) => ("red", "audio arrives, no words come"),
        (None, StreamState::Asked) => ("amber", "audio asked for"),
        (None, StreamState::Ended) => ("amber", "audio lost, asked for again"),
        (None, StreamState::None) => ("", "no audio is taken"),
    }
}
