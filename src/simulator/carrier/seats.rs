//! How each leg sits in a conference: on hold, muted, coaching; who hears whom; and the words the carrier says to one leg.

use super::{
    Carrier,
    conference::{Event, about, post},
    leg::Order,
    post::Method,
    twiml::{self, Room, Verb},
};
use crate::{ports::clock::Clock, simulator::clock::later};
use serde::Serialize;
use std::time::Duration;

/// The least time between two documents of one hold, as a real carrier takes to fetch and speak them.
const BETWEEN_DOCUMENTS: Duration = Duration::from_millis(500);
/// Documents of one hold.
const MOST_DOCUMENTS: u32 = 500;

/// How one leg sits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeatSeen {
    /// The call.
    pub call: String,
    /// It hears the hold document and nobody, and nobody hears it.
    pub held: bool,
    /// Nobody hears it.
    pub muted: bool,
    /// The conference ends when it leaves.
    pub ends: bool,
    /// The one call that hears it, if it coaches.
    pub coaches: Option<String>,
}

/// Somebody heard somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// The call that heard.
    pub by: String,
    /// The call that spoke.
    pub from: String,
    /// The words.
    pub text: String,
}

/// Who is to hear a seat.
#[derive(Clone, Debug)]
pub(super) enum Audience {
    /// It does not coach.
    ByEverybody,
    /// It coaches: one call alone.
    By(String),
}

/// What the API changes of a seat; what is absent stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub(super) hold: Option<bool>,
    pub(super) hold_document: Option<(String, Method)>,
    pub(super) muted: Option<bool>,
    pub(super) ends: Option<bool>,
    pub(super) coaches: Option<Audience>,
    pub(super) announcement: Option<(String, Method)>,
}

impl SeatSeen {
    pub(super) fn of(call: &str, room: &Room) -> Self {
        let Room { muted, ends, coach, .. } = room.clone();
        Self { call: call.to_owned(), held: false, muted, ends, coaches: coach }
    }

    /// Whether this one hears the other.
    pub(super) fn hears(&self, speaker: &Self) -> bool {
        let is_meant = speaker.coaches.as_ref().is_none_or(|only| *only == self.call);
        !self.held && !speaker.held && !speaker.muted && is_meant
    }

    /// Takes a change; the events it makes.
    fn take(&mut self, change: &Change) -> Vec<(&'static str, &'static str)> {
        let mut events = Vec::new();
        if let Some(hold) = change.hold.filter(|hold| *hold != self.held) {
            self.held = hold;
            events.push((if hold { "participant-hold" } else { "participant-unhold" }, "hold"));
        }
        if let Some(muted) = change.muted.filter(|muted| *muted != self.muted) {
            self.muted = muted;
            events.push((if muted { "participant-mute" } else { "participant-unmute" }, "mute"));
        }
        let before = (self.ends, self.coaches.clone());
        self.ends = change.ends.unwrap_or(self.ends);
        if let Some(coaches) = change.coaches.clone() {
            self.coaches = match coaches {
                Audience::ByEverybody => None,
                Audience::By(call) => Some(call),
            };
        }
        if before != (self.ends, self.coaches.clone()) {
            events.push(("participant-modify", "modify"));
        }
        events
    }
}

impl Carrier {
    /// Changes how a leg sits; false when it is not in that conference. The events are on their way when this returns.
    pub(super) fn reseat(&self, conference: &str, call: &str, change: &Change) -> bool {
        let common = self.conference_fields();
        let seated = self.change(|book| {
            let one = book.conferences.iter_mut().find(|one| one.has_sid(conference))?;
            let inside = one.inside.iter_mut().find(|inside| inside.call == call)?;
            let was_held = inside.seat.held;
            let events = inside.seat.take(change);
            // Another hold, or the end of one: whatever the last one still had to say is not said.
            if change.hold == Some(false) || (change.hold == Some(true) && !was_held) {
                inside.holds += 1;
            }
            let (participant, fields) = (inside.clone(), about(inside));
            let events: Vec<Event> = events.into_iter().map(|(event, wish)| (event, wish, fields.clone())).collect();
            let begins_hold = participant.seat.held && !was_held;
            Some((one.letters(events, &common), participant, begins_hold))
        });
        let Some((letters, participant, begins_hold)) = seated else { return false };
        let courier = participant.courier.clone();
        tokio::spawn(async move { post(&courier, letters).await });
        if let Some((url, method)) = change.hold_document.clone().filter(|_| begins_hold) {
            let (carrier, call, holds) = (self.clone(), call.to_owned(), participant.holds);
            tokio::spawn(async move { carrier.speak_on_hold(&call, holds, url, method).await });
        }
        if let Some((url, method)) = change.announcement.clone() {
            let (carrier, call) = (self.clone(), call.to_owned());
            tokio::spawn(async move { carrier.read_out(&call, &url, method).await });
        }
        true
    }

    /// Says the hold document to a leg, and the ones it leads to, for as long as that hold lasts.
    async fn speak_on_hold(&self, call: &str, holds: u64, mut url: String, method: Method) {
        for _ in 0..MOST_DOCUMENTS {
            let next = self.say_document(call, &url, method, Some(holds)).await;
            self.clock().sleep_until(later(self.clock().now(), BETWEEN_DOCUMENTS)).await;
            match next {
                _ if !self.still_holds(call, holds) => return,
                Some(next) => url = next,
                None => {}
            }
        }
    }

    /// Says an announcement to one leg.
    async fn read_out(&self, call: &str, url: &str, method: Method) {
        self.say_document(call, url, method, None).await;
    }

    /// Fetches a document and says it to a leg; where it leads to, if anywhere.
    async fn say_document(&self, call: &str, url: &str, method: Method, holds: Option<u64>) -> Option<String> {
        let fields = vec![
            ("CallSid".to_owned(), call.to_owned()),
            ("AccountSid".to_owned(), self.0.account_sid.clone()),
            ("CallStatus".to_owned(), "in-progress".to_owned()),
        ];
        let verbs = match self.fetch(url, method, &fields).await.and_then(|text| twiml::read(&text)) {
            Ok(verbs) => verbs,
            Err(fault) => {
                self.note_fault(call, 13611, fault);
                return None;
            }
        };
        for verb in verbs {
            if holds.is_some_and(|holds| !self.still_holds(call, holds)) {
                return None;
            }
            match verb {
                Verb::Say { text } => {
                    let live = self.book().live.get(call).cloned();
                    if let Some(live) = live {
                        let _ = live.orders.try_send(Order::Told(text));
                    }
                }
                Verb::Pause(length) => self.clock().sleep_until(later(self.clock().now(), length)).await,
                Verb::Redirect { url, .. } => return Some(url),
                Verb::Play => {}
                Verb::Gather(_) | Verb::Hangup | Verb::StartStream(_) | Verb::StopStream { .. } | Verb::Dial { .. } => {
                    self.note_fault(call, 13611, "this document may only say, play, pause and redirect");
                    return None;
                }
            }
        }
        None
    }

    fn still_holds(&self, call: &str, holds: u64) -> bool {
        let book = self.book();
        let mut inside = book.conferences.iter().flat_map(|one| one.inside.iter());
        inside.any(|one| one.call == call && one.seat.held && one.holds == holds)
    }
}
