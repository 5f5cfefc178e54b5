//! The answered part of a call: documents are fetched and carried out verb by verb, while the person on the line
//! listens, presses keys, talks and may hang up at any moment.

use super::{
    CallStatus, Carrier,
    calm::InHand,
    media::{self, StreamPlan},
    post::{Courier, Fields, Method},
    twiml::{self, Gather, Room, Verb},
    voice::Voice,
};
use crate::{
    ports::clock::Clock,
    simulator::{
        clock::later,
        people::{Act, Intent, Mind},
    },
};
use chrono::{DateTime, Utc};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// How long a spoken prompt takes. The town speaks fast.
const SAYING: Duration = Duration::from_millis(30);
/// Documents one call may ask for before it counts as running in a circle.
const MOST_DOCUMENTS: u32 = 200;

/// What a leg is told from outside.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// The API ends the call.
    End,
    /// The API gives the call another document.
    Redirect(Next),
    /// Somebody makes the person do something.
    Do(Act),
    /// Another party of the conference has said this.
    Heard(String),
    /// The carrier says this to a leg in a conference: on hold, or as an announcement.
    Told(String),
    /// This leg's person has finished saying this.
    Finished(String),
    /// The conference has begun.
    Company,
    /// The conference has ended.
    ConferenceOver,
}

/// Where the next document comes from.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Fetch { url: String, method: Method, extra: Fields },
    Script(String),
}

/// Why a wait ended.
#[derive(Debug)]
pub(super) enum Wake {
    Time,
    Key,
    ConferenceOver,
    Stop(Stop),
}

/// Why the present document is not carried out to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The API ended the call.
    Ended,
    /// The person hung up.
    HungUp,
    /// Another document takes over.
    Redirected(Next),
}

/// Who listens at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ear {
    /// A person.
    Person,
    /// A machine first; from an instant on, the person.
    PersonFrom(DateTime<Utc>),
    /// A voicemail, which records from an instant on.
    Mailbox { records_from: DateTime<Utc> },
    /// Nobody who would understand a word.
    Nobody,
}

/// One call's line, with the person at its end.
pub(super) struct Leg {
    pub(super) carrier: Carrier,
    pub(super) sid: String,
    /// The fields every request about this call carries.
    pub(super) fields: Fields,
    pub(super) mind: Mind,
    pub(super) orders: mpsc::Receiver<Order>,
    /// Held while the leg does something, not while it waits.
    pub(super) in_hand: Option<InHand>,
    pub(super) own_orders: mpsc::WeakSender<Order>,
    pub(super) lines: mpsc::Sender<String>,
    pub(super) voice: Arc<Voice>,
    pub(super) courier: Courier,
    pub(super) ear: Ear,
    pub(super) agenda: Vec<(DateTime<Utc>, Act)>,
    pub(super) keys: String,
    /// Address of the present document.
    pub(super) at: String,
}

impl Leg {
    /// Carries out documents until the call is over.
    pub(super) async fn converse(&mut self, first: Next) {
        let mut next = first;
        for _ in 0..MOST_DOCUMENTS {
            let played = match self.obtain(next).await {
                Ok(verbs) => self.play(verbs).await,
                Err(stop) => Err(stop),
            };
            next = match played {
                Ok(()) | Err(Stop::Ended | Stop::HungUp) => return,
                Err(Stop::Redirected(next)) => next,
            };
        }
        self.carrier.note_fault(&self.sid, 12100, "the documents of this call run in a circle");
    }

    /// Waits until `until`, or until something happens that concerns the present verb.
    pub(super) async fn wait(&mut self, until: Option<DateTime<Utc>>) -> Wake {
        loop {
            if let Some(wake) = self.act() {
                return wake;
            }
            let now = self.carrier.clock().now();
            if until.is_some_and(|until| until <= now) {
                return Wake::Time;
            }
            let clock = self.carrier.clock().clone();
            let alarm = self.agenda.iter().map(|(at, _)| *at).chain(until).min().map(|at| clock.alarm_at(at));
            let asleep = async {
                match &alarm {
                    Some(alarm) => alarm.rings().await,
                    None => std::future::pending().await,
                }
            };
            self.in_hand = None;
            let order = tokio::select! {
                biased;
                order = self.orders.recv() => Some(order),
                () = asleep => None,
            };
            self.in_hand = Some(self.carrier.in_hand());
            drop(alarm);
            let Some(order) = order else { continue };
            if let Some(wake) = self.obey(order.unwrap_or(Order::End)) {
                return wake;
            }
        }
    }

    /// Waits for a stretch of the town's time, letting keys pile up.
    async fn pause(&mut self, length: Duration) -> Result<(), Stop> {
        let until = later(self.carrier.clock().now(), length);
        loop {
            match self.wait(Some(until)).await {
                Wake::Time => return Ok(()),
                Wake::Key | Wake::ConferenceOver => {}
                Wake::Stop(stop) => return Err(stop),
            }
        }
    }

    fn obey(&mut self, order: Order) -> Option<Wake> {
        match order {
            Order::End => return Some(Wake::Stop(Stop::Ended)),
            Order::Redirect(next) => return Some(Wake::Stop(Stop::Redirected(next))),
            Order::ConferenceOver => return Some(Wake::ConferenceOver),
            Order::Do(act) => self.intend([(Duration::ZERO, act)]),
            Order::Heard(text) => {
                let intents = self.mind.hears_party(&text);
                self.intend(intents);
            }
            Order::Told(text) => {
                self.carrier.note(&self.sid, |call| call.spoken.push(text.clone()));
                let intents = self.mind.hears_carrier(&text);
                self.intend(intents);
            }
            Order::Finished(text) => self.carrier.let_others_hear(&self.sid, &text),
            Order::Company => {
                let intents = self.mind.has_company();
                self.intend(intents);
            }
        }
        None
    }

    pub(super) fn intend(&mut self, intents: impl IntoIterator<Item = Intent>) {
        let now = self.carrier.clock().now();
        self.agenda.extend(intents.into_iter().map(|(after, act)| (later(now, after), act)));
    }

    /// Does what the person means to do by now.
    fn act(&mut self) -> Option<Wake> {
        let now = self.carrier.clock().now();
        let mut due: Vec<(DateTime<Utc>, Act)> = self.agenda.extract_if(.., |(at, _)| *at <= now).collect();
        due.sort_by_key(|(at, _)| *at);
        let mut wake = None;
        for (_, act) in due {
            match act {
                Act::Press(keys) => {
                    let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
                    self.carrier.note(&self.sid, |call| call.keys_pressed = call.keys_pressed.saturating_add(count));
                    self.keys.push_str(&keys);
                    wake = Some(Wake::Key);
                }
                Act::Say(text) => {
                    // A mouth that is full stays shut: nobody in town says so much at once.
                    let _ = self.lines.try_send(text);
                }
                Act::HangUp => return Some(Wake::Stop(Stop::HungUp)),
            }
        }
        wake
    }

    async fn obtain(&mut self, next: Next) -> Result<Vec<Verb>, Stop> {
        let text = match next {
            Next::Script(text) => text,
            Next::Fetch { url, method, extra } => {
                self.at = self.resolved(&url);
                let mut fields = self.fields.clone();
                fields.push(("CallStatus".into(), CallStatus::InProgress.word().into()));
                fields.extend(extra);
                let (carrier, at) = (self.carrier.clone(), self.at.clone());
                let fetch = carrier.fetch(&at, method, &fields);
                tokio::pin!(fetch);
                let reply = loop {
                    tokio::select! {
                        reply = &mut fetch => break reply,
                        wake = self.wait(None) => if let Wake::Stop(stop) = wake { return Err(stop) },
                    }
                };
                reply.map_err(|fault| {
                    self.carrier.note_fault(&self.sid, 11200, fault);
                    Stop::Ended
                })?
            }
        };
        twiml::read(&text).map_err(|fault| {
            self.carrier.note_fault(&self.sid, 12100, fault);
            Stop::Ended
        })
    }

    /// An address as it stands; a relative one from the present document's.
    fn resolved(&self, url: &str) -> String {
        if url.starts_with("http://") || url.starts_with("https://") {
            return url.to_owned();
        }
        let base = url::Url::parse(&self.at).ok();
        base.and_then(|base| base.join(url).ok()).map_or_else(|| url.to_owned(), String::from)
    }

    async fn play(&mut self, verbs: Vec<Verb>) -> Result<(), Stop> {
        for verb in verbs {
            match verb {
                Verb::Say { text } => self.say(text).await?,
                Verb::Pause(length) => self.pause(length).await?,
                Verb::Gather(gather) => self.gather(gather).await?,
                Verb::Redirect { url, method } => {
                    return Err(Stop::Redirected(Next::Fetch { url, method, extra: Vec::new() }));
                }
                Verb::Hangup => return Ok(()),
                Verb::Play => {}
                Verb::StartStream(plan) => self.start_stream(plan),
                Verb::StopStream { name } => {
                    self.voice.untap(&name);
                }
                Verb::Dial { room, action } => {
                    self.confer(&room).await?;
                    if let Some((url, method)) = action {
                        let extra = vec![("DialCallStatus".into(), "answered".into())];
                        return Err(Stop::Redirected(Next::Fetch { url, method, extra }));
                    }
                }
            }
        }
        Ok(())
    }

    async fn say(&mut self, text: String) -> Result<(), Stop> {
        self.carrier.note(&self.sid, |call| call.spoken.push(text.clone()));
        let begun = self.carrier.clock().now();
        let said = self.pause(SAYING).await;
        if self.is_person_listening(begun, &text) {
            let intents = self.mind.hears_carrier(&text);
            self.intend(intents);
        }
        said
    }

    /// Whether a person hears words that were begun at an instant; a machine keeps what it heard of them.
    fn is_person_listening(&self, begun: DateTime<Utc>, text: &str) -> bool {
        let (greeted, recorded) = match self.ear {
            Ear::Person => return true,
            Ear::PersonFrom(at) if begun >= at => return true,
            Ear::PersonFrom(_) | Ear::Nobody => (true, false),
            Ear::Mailbox { records_from } => (begun < records_from, self.carrier.clock().now() >= records_from),
        };
        self.carrier.note(&self.sid, |call| {
            let heard = call.machine.get_or_insert_default();
            if greeted {
                heard.over_greeting.push(text.to_owned());
            }
            if recorded {
                heard.recorded.push(text.to_owned());
            }
        });
        false
    }

    async fn gather(&mut self, gather: Gather) -> Result<(), Stop> {
        self.keys.clear();
        for text in gather.texts {
            self.say(text).await?;
        }
        let mut until = later(self.carrier.clock().now(), gather.timeout);
        let mut finished_on = None;
        loop {
            if let Some(at) = gather.finish_on.and_then(|key| self.keys.find(key)) {
                self.keys.truncate(at);
                finished_on = gather.finish_on;
                break;
            }
            if gather.digits.is_some_and(|digits| self.keys.len() >= digits) {
                self.keys.truncate(gather.digits.unwrap_or(usize::MAX));
                break;
            }
            match self.wait(Some(until)).await {
                Wake::Time => break,
                Wake::Key => until = later(self.carrier.clock().now(), gather.timeout),
                Wake::ConferenceOver => {}
                Wake::Stop(stop) => return Err(stop),
            }
        }
        let keys = std::mem::take(&mut self.keys);
        if keys.is_empty() && finished_on.is_none() && !gather.on_empty {
            return Ok(());
        }
        let mut extra = vec![("Digits".into(), keys), ("msg".into(), "Gather End".into())];
        extra.extend(finished_on.map(|key| ("FinishedOnKey".into(), key.to_string())));
        let url = gather.action.unwrap_or_else(|| self.at.clone());
        Err(Stop::Redirected(Next::Fetch { url, method: gather.method, extra }))
    }

    fn start_stream(&mut self, plan: StreamPlan) {
        if let Err((code, text)) = media::open(&self.carrier, &self.sid, &self.voice, plan) {
            self.carrier.note_fault(&self.sid, code, text);
        }
    }

    /// Stays in a conference until it or this leg is over.
    async fn confer(&mut self, room: &Room) -> Result<(), Stop> {
        let Some(orders) = self.own_orders.upgrade() else { return Err(Stop::Ended) };
        self.carrier.join(&self.sid, room, orders, &self.courier).await;
        let parting = loop {
            match self.wait(None).await {
                Wake::Time | Wake::Key => self.keys.clear(),
                Wake::ConferenceOver => break Ok(()),
                Wake::Stop(stop) => break Err(stop),
            }
        };
        self.carrier.leave(&self.sid, &self.courier).await;
        parting
    }
}
