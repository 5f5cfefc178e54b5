//! One call from dial to end: accepted, dialled, ringing, answered or not, and reported at every step.

use super::{
    CallSeen, CallStatus, Carrier, Direction,
    book::LiveCall,
    calm::InHand,
    fresh_sid,
    leg::{Ear, Leg, Next, Order, Stop, Wake},
    post::{Courier, Fields, Method},
    voice::{self, Voice},
    waits::Wait,
};
use crate::{
    ports::clock::Clock,
    simulator::{
        clock::later,
        machines::{MachineSeen, Mailbox, Patience, TakenFor},
        people::{Act, Mind, Person, PicksUp},
    },
};
use chrono::{DateTime, Utc};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// What was asked for when the call was created.
#[derive(Clone, Debug)]
pub(super) struct DialPlan {
    pub(super) to: String,
    pub(super) from: String,
    /// What is shown as the caller's number.
    pub(super) shown: String,
    pub(super) direction: Direction,
    pub(super) first: Next,
    pub(super) ring_for: Duration,
    pub(super) callback: Option<(String, Method)>,
    /// Of initiated, ringing, answered, completed.
    pub(super) events: Vec<String>,
    pub(super) detection: Detection,
}

/// Whether the carrier was asked to tell machines from people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Detection {
    Off,
    /// Known before the first document is asked for.
    Before(Patience),
    /// Told beside the call, where somebody wants to be told.
    Beside(Patience, Option<(String, Method)>),
}

impl DialPlan {
    /// The number of the end that is a telephone in town.
    fn townsperson(&self) -> &str {
        match self.direction {
            Direction::OutboundApi => &self.to,
            Direction::Inbound => &self.from,
        }
    }
}

/// Room for orders to a leg.
const ORDERS: usize = 256;
/// Room for lines a person has yet to say.
const LINES: usize = 32;
/// How long a fax rings before it answers, and how long it sings.
const FAX_ANSWERS: Duration = Duration::from_secs(2);
const FAX_SINGS: Duration = Duration::from_secs(40);
/// How long an engaged or dead line takes to say so.
const REFUSES: Duration = Duration::from_millis(50);

impl Carrier {
    /// Accepts a call and begins to dial; the page as it was accepted.
    pub(super) fn dial(&self, plan: DialPlan) -> CallSeen {
        let now = self.0.clock.now();
        let rings_at = self.next_ring();
        let call = CallSeen {
            sid: fresh_sid("CA"),
            to: plan.to.clone(),
            from: plan.from.clone(),
            direction: plan.direction,
            status: CallStatus::Queued,
            created_at: now,
            accepted: Instant::now(),
            queue_milliseconds: u64::try_from((rings_at - now).num_milliseconds()).unwrap_or(0),
            ended_on_request: false,
            started_at: None,
            ended_at: None,
            rings: 0,
            spoken: Vec::new(),
            said: Vec::new(),
            keys_pressed: 0,
            conference: None,
            answered_by: None,
            machine: None,
            streams: Vec::new(),
            errors: Vec::new(),
        };
        let (orders, taken) = mpsc::channel(ORDERS);
        let voice = Arc::new(Voice::default());
        let person = self.change(|book| {
            book.calls.push(call.clone());
            let who = plan.townsperson().to_owned();
            let person = book.people.get(&who).cloned();
            book.live.insert(call.sid.clone(), LiveCall { who, orders: orders.clone(), voice: voice.clone() });
            person
        });
        let line = Line {
            carrier: self.clone(),
            sid: call.sid.clone(),
            courier: Courier::of(self),
            plan,
            rings_at,
            reported: 0,
        };
        tokio::spawn(line.live(person, (orders.downgrade(), taken), voice, self.in_hand()));
        call
    }
}

/// A call being followed from the carrier's side.
struct Line {
    carrier: Carrier,
    sid: String,
    courier: Courier,
    plan: DialPlan,
    rings_at: DateTime<Utc>,
    reported: u32,
}

impl Line {
    async fn live(
        mut self,
        person: Option<Person>,
        (own_orders, orders): (mpsc::WeakSender<Order>, mpsc::Receiver<Order>),
        voice: Arc<Voice>,
        in_hand: InHand,
    ) {
        let Some(person) = person else {
            self.reach(CallStatus::Initiated).await;
            self.carrier.note_fault(&self.sid, 13224, "nobody in town has this number");
            self.over(CallStatus::Failed).await;
            return;
        };
        // The leg's only sender of lines: when the leg goes, so does the voice.
        let (lines, unsaid) = mpsc::channel(LINES);
        let mut leg = Leg {
            carrier: self.carrier.clone(),
            sid: self.sid.clone(),
            fields: self.fields(),
            mind: Mind::of(person),
            orders,
            in_hand: Some(in_hand),
            own_orders: own_orders.clone(),
            lines,
            voice: voice.clone(),
            courier: self.courier.clone(),
            agenda: Vec::new(),
            ear: Ear::Person,
            keys: String::new(),
            at: String::new(),
        };
        let end = match self.ring(&mut leg).await {
            Err(unanswered) => unanswered,
            Ok(first) => {
                self.carrier.change(|book| {
                    let now = self.carrier.0.clock.now();
                    book.call_mut(&self.sid).map(|call| call.started_at = Some(now))
                });
                self.reach(CallStatus::InProgress).await;
                tokio::spawn(voice::speak(voice, unsaid, own_orders));
                self.answered(&mut leg);
                leg.converse(first).await;
                CallStatus::Completed
            }
        };
        let _in_hand = leg.in_hand.take();
        drop(leg);
        self.over(end).await;
    }

    /// Dials and rings. Ok with the first document to carry out when somebody answers.
    async fn ring(&mut self, leg: &mut Leg) -> Result<Next, CallStatus> {
        let mut first = self.plan.first.clone();
        if self.plan.direction == Direction::Inbound {
            // The account's end of the line answers at once: its document is the answer.
            self.reach(CallStatus::Ringing).await;
            return Ok(first);
        }
        let queued = (self.rings_at - self.carrier.0.clock.now()).to_std().unwrap_or_default();
        if !queued.is_zero() {
            self.wait(leg, queued, &mut first).await?;
        }
        self.reach(CallStatus::Initiated).await;
        let picks_up = leg.mind.picks_up().clone();
        let engaged = picks_up == PicksUp::Busy || self.carrier.book().is_engaged(&self.plan.to, &self.sid);
        if engaged {
            self.wait(leg, REFUSES, &mut first).await?;
            return Err(CallStatus::Busy);
        }
        self.carrier.note(&self.sid, |call| call.rings += 1);
        self.reach(CallStatus::Ringing).await;
        let after = match picks_up {
            PicksUp::AfterSeconds(after) => after.0,
            PicksUp::Voicemail => Mailbox::default().answers_after_seconds.0,
            PicksUp::Mailbox(own) => own.answers_after_seconds.0,
            PicksUp::Screened(own) => own.answers_after_seconds.0,
            PicksUp::Fax => FAX_ANSWERS,
            PicksUp::Never | PicksUp::Busy => Duration::MAX,
        };
        self.wait(leg, after.min(self.plan.ring_for), &mut first).await?;
        if after > self.plan.ring_for { Err(CallStatus::NoAnswer) } else { Ok(first) }
    }

    /// Waits while nobody has answered; ending the call now cancels it, a redirect changes what comes first.
    async fn wait(&self, leg: &mut Leg, length: Duration, first: &mut Next) -> Result<(), CallStatus> {
        let until = later(self.carrier.0.clock.now(), length);
        loop {
            match leg.wait(Some(until)).await {
                Wake::Time => return Ok(()),
                Wake::Key | Wake::ConferenceOver => {}
                Wake::Stop(Stop::Redirected(next)) => *first = next,
                Wake::Stop(Stop::Ended | Stop::HungUp) => return Err(CallStatus::Canceled),
            }
        }
    }

    fn answered(&self, leg: &mut Leg) {
        let intents = leg.mind.answers();
        leg.intend(intents);
        let now = self.carrier.0.clock.now();
        // Whoever rings is a person, whatever answers when they are rung.
        if self.plan.direction == Direction::Inbound {
            return;
        }
        let picks_up = leg.mind.picks_up().clone();
        let (ear, sings) = match &picks_up {
            PicksUp::AfterSeconds(_) | PicksUp::Busy | PicksUp::Never => (Ear::Person, None),
            PicksUp::Voicemail => mailbox(&Mailbox::default(), now),
            PicksUp::Mailbox(own) => mailbox(own, now),
            PicksUp::Screened(own) => (Ear::PersonFrom(later(now, own.passes_on_after_seconds.0)), None),
            PicksUp::Fax => (Ear::Nobody, Some(FAX_SINGS)),
        };
        leg.ear = ear;
        leg.intend(sings.map(|after| (after, Act::HangUp)));
        if ear != Ear::Person {
            self.carrier.note(&self.sid, |call| call.machine = Some(MachineSeen::default()));
        }
        self.detect(leg, &picks_up);
    }

    /// Finds out who answered, before the first document or beside the call.
    fn detect(&self, leg: &mut Leg, picks_up: &PicksUp) {
        match &self.plan.detection {
            Detection::Off => {}
            Detection::Before(patience) => {
                let by = self.carrier.next_guess(picks_up, *patience).word;
                leg.fields.push(("AnsweredBy".into(), by.into()));
                self.carrier.note(&self.sid, |call| call.answered_by = Some(by.into()));
            }
            Detection::Beside(patience, hook) => {
                let told = leg.mind.taken_for().map(TakenFor::guess);
                let guess = told.unwrap_or_else(|| self.carrier.next_guess(picks_up, *patience));
                let Some((url, method)) = hook.clone().filter(|_| guess.is_told) else { return };
                let (carrier, sid, courier) = (self.carrier.clone(), self.sid.clone(), self.courier.clone());
                let (mut fields, in_hand) = (self.fields(), carrier.in_hand());
                tokio::spawn(async move {
                    let _in_hand = Wait::Town(guess.after, carrier.clone()).pass_with(in_hand).await;
                    if carrier.book().call(&sid).is_none_or(|call| call.status.is_over()) {
                        return;
                    }
                    carrier.note(&sid, |call| call.answered_by = Some(guess.word.into()));
                    fields.push(("AnsweredBy".into(), guess.word.into()));
                    fields.push(("MachineDetectionDuration".into(), guess.after.as_millis().to_string()));
                    courier.send(&url, method, fields).await;
                });
            }
        }
    }

    /// Takes the call one step on and reports it, where that is wanted.
    async fn reach(&mut self, status: CallStatus) {
        self.carrier.note(&self.sid, |call| call.status = status);
        self.report(status).await;
    }

    async fn report(&mut self, status: CallStatus) {
        let sequence = self.reported;
        self.reported += 1;
        let (Some((url, method)), Some(event)) = (&self.plan.callback, status.event()) else { return };
        if !self.plan.events.iter().any(|wanted| wanted == event) {
            return;
        }
        let mut fields = self.fields();
        fields.push(("CallStatus".into(), status.word().into()));
        fields.push(("CallbackSource".into(), "call-progress-events".into()));
        fields.push(("SequenceNumber".into(), sequence.to_string()));
        fields.push(("Timestamp".into(), self.carrier.0.clock.now().to_rfc2822()));
        if status.is_over() {
            let call = self.carrier.book().call(&self.sid).cloned();
            let talked = call.as_ref().and_then(|call| Some((call.ended_at? - call.started_at?).num_seconds()));
            let seconds = talked.unwrap_or(0).to_string();
            fields.push(("CallDuration".into(), seconds.clone()));
            fields.push(("Duration".into(), seconds));
            fields.extend(call.and_then(|call| call.answered_by).map(|by| ("AnsweredBy".into(), by)));
        }
        self.courier.send(url, *method, fields).await;
    }

    async fn over(mut self, status: CallStatus) {
        self.carrier.change(|book| {
            book.live.remove(&self.sid);
            let now = self.carrier.0.clock.now();
            if let Some(call) = book.call_mut(&self.sid) {
                call.status = status;
                call.ended_at = Some(now);
            }
        });
        self.report(status).await;
    }

    /// What every request about this call carries.
    fn fields(&self) -> Fields {
        [
            ("CallSid", self.sid.as_str()),
            ("AccountSid", self.carrier.0.account_sid.as_str()),
            ("From", self.plan.shown.as_str()),
            ("To", self.plan.to.as_str()),
            ("Caller", self.plan.shown.as_str()),
            ("Called", self.plan.to.as_str()),
            ("Direction", self.plan.direction.word()),
            ("ApiVersion", "2010-04-01"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
}

/// The ear of a voicemail, and when it hangs up.
fn mailbox(own: &Mailbox, now: DateTime<Utc>) -> (Ear, Option<Duration>) {
    let greeting = own.greeting_seconds.0;
    (Ear::Mailbox { records_from: later(now, greeting) }, Some(greeting + own.records_seconds.0))
}
