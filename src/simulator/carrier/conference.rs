//! Conferences. They belong to the carrier: nobody's server has to be alive for people to go on talking.

use super::{
    Carrier, fresh_sid,
    leg::Order,
    post::{Courier, Fields, Method},
    seats::{Heard, SeatSeen},
    twiml::Room,
};
use crate::ports::clock::Clock;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::mpsc;

/// One conference as the carrier saw it.
#[derive(Clone, Debug, Serialize)]
pub struct ConferenceSeen {
    /// The carrier's name for it.
    pub sid: String,
    /// The name it was given.
    pub name: String,
    /// How far it came.
    pub stage: Stage,
    /// When the first came.
    pub opened_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// Calls in it now.
    pub participants: Vec<String>,
    /// How each of them sits in it.
    pub seats: Vec<SeatSeen>,
    /// Utterances said in it, with the call that said them, whether or not anybody heard them.
    pub said: Vec<(String, String)>,
    /// Who heard whom say what.
    pub heard: Vec<Heard>,
}

/// How far a conference came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Somebody waits in it.
    Init,
    /// People talk.
    InProgress,
    /// It is over.
    Completed,
}

/// One leg in a conference, as its API shows it.
pub(super) struct ParticipantSeen {
    pub(super) joined_at: DateTime<Utc>,
    pub(super) starts: bool,
    pub(super) seat: SeatSeen,
}

pub(super) struct Conference {
    sid: String,
    name: String,
    stage: Stage,
    opened_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    pub(super) inside: Vec<Participant>,
    said: Vec<(String, String)>,
    heard: Vec<Heard>,
    /// Where its events go: the first participant decides, as with the provider.
    callback: Option<(String, Method)>,
    events: Vec<String>,
    sequence: u64,
}

#[derive(Clone)]
pub(super) struct Participant {
    pub(super) call: String,
    joined_at: DateTime<Utc>,
    starts: bool,
    pub(super) seat: SeatSeen,
    /// Grows with every hold, so that the words of an earlier one end.
    pub(super) holds: u64,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) courier: Courier,
}

/// Something to report: the event's name, its word in `statusCallbackEvent`, and fields of its own.
pub(super) type Event = (&'static str, &'static str, Fields);
/// A callback ready to be sent.
pub(super) type Letter = (String, Method, Fields);

impl Conference {
    fn opened_by(room: &Room, now: DateTime<Utc>) -> Self {
        Self {
            sid: fresh_sid("CF"),
            name: room.name.clone(),
            stage: Stage::Init,
            opened_at: now,
            ended_at: None,
            inside: Vec::new(),
            said: Vec::new(),
            heard: Vec::new(),
            callback: room.callback.clone(),
            events: room.events.clone(),
            sequence: 0,
        }
    }

    pub(super) fn seen(&self) -> ConferenceSeen {
        ConferenceSeen {
            sid: self.sid.clone(),
            name: self.name.clone(),
            stage: self.stage,
            opened_at: self.opened_at,
            ended_at: self.ended_at,
            participants: self.inside.iter().map(|participant| participant.call.clone()).collect(),
            seats: self.inside.iter().map(|participant| participant.seat.clone()).collect(),
            said: self.said.clone(),
            heard: self.heard.clone(),
        }
    }

    fn participants(&self) -> Vec<ParticipantSeen> {
        let seen = |one: &Participant| ParticipantSeen {
            joined_at: one.joined_at,
            starts: one.starts,
            seat: one.seat.clone(),
        };
        self.inside.iter().map(seen).collect()
    }

    /// The callbacks for these events, where they are wanted.
    pub(super) fn letters(&mut self, events: Vec<Event>, common: &Fields) -> Vec<Letter> {
        let Some((url, method)) = self.callback.clone() else { return Vec::new() };
        let mut letters = Vec::new();
        for (event, wish, own) in events {
            self.sequence += 1;
            if self.events.iter().any(|wanted| wanted == wish) {
                let mut fields = common.clone();
                fields.push(("ConferenceSid".into(), self.sid.clone()));
                fields.push(("FriendlyName".into(), self.name.clone()));
                fields.push(("StatusCallbackEvent".into(), event.into()));
                fields.push(("SequenceNumber".into(), self.sequence.to_string()));
                fields.extend(own);
                letters.push((url.clone(), method, fields));
            }
        }
        letters
    }

    pub(super) fn has_sid(&self, sid: &str) -> bool {
        self.sid == sid
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name == name
    }

    fn everyone(&self) -> Vec<mpsc::Sender<Order>> {
        self.inside.iter().map(|participant| participant.orders.clone()).collect()
    }
}

impl Carrier {
    /// Brings a leg into a conference, opening it where needed.
    pub(super) async fn join(&self, call: &str, room: &Room, orders: mpsc::Sender<Order>, courier: &Courier) {
        let common = self.conference_fields();
        let joined_at = self.0.clock.now();
        let (call_sid, courier_of_leg) = (call.to_owned(), courier.clone());
        let seat = SeatSeen::of(call, room);
        let participant = Participant {
            call: call_sid,
            joined_at,
            starts: room.starts,
            seat,
            holds: 0,
            orders,
            courier: courier_of_leg,
        };
        let (letters, company) = self.change(|book| {
            if let Some(page) = book.call_mut(call) {
                page.conference = Some(room.name.clone());
            }
            let open = book.conferences.iter_mut().rfind(|one| one.name == room.name && one.stage != Stage::Completed);
            let conference = if let Some(conference) = open {
                conference
            } else {
                book.conferences.push(Conference::opened_by(room, joined_at));
                let Some(opened) = book.conferences.last_mut() else { return (Vec::new(), Vec::new()) };
                opened
            };
            let mut events = vec![("participant-join", "join", about(&participant))];
            let own_orders = participant.orders.clone();
            conference.inside.push(participant);
            let company = match conference.stage {
                Stage::InProgress => vec![own_orders],
                Stage::Init | Stage::Completed => {
                    if conference.inside.len() >= 2 && conference.inside.iter().any(|one| one.starts) {
                        conference.stage = Stage::InProgress;
                        events.push(("conference-start", "start", vec![("CallSid".into(), call.to_owned())]));
                        conference.everyone()
                    } else {
                        Vec::new()
                    }
                }
            };
            (conference.letters(events, &common), company)
        });
        post(courier, letters).await;
        tell(&company, &Order::Company);
    }

    /// Takes a leg out of its conference; the conference ends with the last one, or with one that ends it.
    pub(super) async fn leave(&self, call: &str, courier: &Courier) {
        let common = self.conference_fields();
        let now = self.0.clock.now();
        let (letters, released) = self.change(|book| {
            let found = book.conferences.iter_mut().find(|one| one.inside.iter().any(|inside| inside.call == call));
            let Some(conference) = found else { return (Vec::new(), Vec::new()) };
            let leaver = conference.inside.iter().find(|inside| inside.call == call);
            let ends = leaver.is_some_and(|leaver| leaver.seat.ends);
            let gone = leaver.map(about).unwrap_or_default();
            conference.inside.retain(|inside| inside.call != call);
            let mut events = vec![("participant-leave", "leave", gone)];
            let mut released = Vec::new();
            if conference.inside.is_empty() || ends {
                let reason =
                    if ends { "participant-with-end-conference-on-exit-left" } else { "last-participant-left" };
                events.push((
                    "conference-end",
                    "end",
                    vec![
                        ("CallSidEndingConference".into(), call.to_owned()),
                        ("ReasonConferenceEnded".into(), reason.into()),
                    ],
                ));
                released = conference.everyone();
                conference.stage = Stage::Completed;
                conference.ended_at = Some(now);
            }
            let letters = conference.letters(events, &common);
            (letters, released)
        });
        post(courier, letters).await;
        tell(&released, &Order::ConferenceOver);
    }

    /// Who is in a conference now; `None` when there never was one of this sid.
    pub(super) fn participants_of(&self, conference: &str) -> Option<Vec<ParticipantSeen>> {
        self.book().conferences.iter().find(|one| one.sid == conference).map(Conference::participants)
    }

    /// Ends a conference for one leg or for all; whoever was in it goes on with what their documents say next. False when
    /// nobody of that name is in it.
    pub(super) fn release(&self, conference: &str, call: Option<&str>) -> bool {
        let inside: Vec<mpsc::Sender<Order>> = self
            .book()
            .conferences
            .iter()
            .filter(|one| one.sid == conference)
            .flat_map(|one| one.inside.iter())
            .filter(|inside| call.is_none_or(|call| inside.call == call))
            .map(|inside| inside.orders.clone())
            .collect();
        tell(&inside, &Order::ConferenceOver);
        !inside.is_empty()
    }

    /// Lets the other parties hear what one has said, as far as seats let them.
    pub(super) fn let_others_hear(&self, call: &str, text: &str) {
        let others = self.change(|book| {
            if let Some(page) = book.call_mut(call) {
                page.said.push(text.to_owned());
            }
            let found = book.conferences.iter_mut().find(|one| one.inside.iter().any(|inside| inside.call == call));
            let Some(conference) = found else { return Vec::new() };
            conference.said.push((call.to_owned(), text.to_owned()));
            let Some(speaker) = conference.inside.iter().find(|inside| inside.call == call) else { return Vec::new() };
            let hear = |inside: &&Participant| inside.call != call && inside.seat.hears(&speaker.seat);
            let others: Vec<Participant> = conference.inside.iter().filter(hear).cloned().collect();
            let heard =
                others.iter().map(|one| Heard { by: one.call.clone(), from: call.to_owned(), text: text.to_owned() });
            conference.heard.extend(heard);
            others.into_iter().map(|inside| inside.orders).collect()
        });
        tell(&others, &Order::Heard(text.to_owned()));
    }

    pub(super) fn conference_fields(&self) -> Fields {
        vec![("AccountSid".into(), self.0.account_sid.clone()), ("Timestamp".into(), self.0.clock.now().to_rfc2822())]
    }
}

pub(super) fn about(participant: &Participant) -> Fields {
    let seat = &participant.seat;
    vec![
        ("CallSid".into(), participant.call.clone()),
        ("Muted".into(), seat.muted.to_string()),
        ("Hold".into(), seat.held.to_string()),
        ("Coaching".into(), seat.coaches.is_some().to_string()),
        ("StartConferenceOnEnter".into(), participant.starts.to_string()),
        ("EndConferenceOnExit".into(), seat.ends.to_string()),
    ]
}

pub(super) async fn post(courier: &Courier, letters: Vec<Letter>) {
    for (url, method, fields) in letters {
        courier.send(&url, method, fields).await;
    }
}

fn tell(legs: &[mpsc::Sender<Order>], order: &Order) {
    for leg in legs {
        // A leg that does not take orders any more is over.
        let _ = leg.try_send(order.clone());
    }
}
