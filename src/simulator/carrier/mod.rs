//! A carrier that speaks Twilio's wire: REST in, signed callbacks and media sockets out, TwiML carried out line by
//! line. Conferences live here and outlast whoever asked for them.
//!
//! `book` what it knows · `rest`, `rooms`, `wire` its API · `post` signed requests out · `line` one call from dial to end ·
//! `numbers` the account's own, and who rings them · `leg` the answered part of it · `twiml` the language · `conference`, `seats` · `voice`, `media` what is heard and forked ·
//! `faults` how it misbehaves on request · `texts`, `text_rest` messages · `calm`, `waits` whose time it is.

pub(super) mod book;
mod calm;
mod conference;
mod create;
pub mod faults;
mod leg;
mod line;
mod media;
mod numbers;
mod post;
mod rest;
mod rooms;
mod seats;
mod text_rest;
mod texts;
mod twiml;
mod voice;
mod waits;
mod wire;

pub use book::{CallFault, CallSeen, CallStatus, Direction, StreamSeen, StreamStatus};
pub use conference::ConferenceSeen;
pub use faults::FaultsWanted;
pub(super) use rest::routes;
pub use seats::{Heard, SeatSeen};
pub use texts::{TextCallbacks, TextFaultsWanted, TextSeen};
pub use waits::MeasuredBy;

use super::{
    clock::VirtualClock,
    people::{Act, Person, TownPlan},
};
use book::Book;
use faults::Faults;
use leg::Order;
use rand::RngExt;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// The carrier. Clones are the same carrier.
#[derive(Clone)]
pub struct Carrier(Arc<Inner>);

struct Inner {
    account_sid: String,
    auth_token: String,
    clock: Arc<VirtualClock>,
    web: reqwest::Client,
    book: Mutex<Book>,
    changes: watch::Sender<u64>,
    bustle: Arc<calm::Bustle>,
}

/// How long the carrier waits for a reply to one of its requests (the provider's own caps).
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const REPLY_WITHIN: Duration = Duration::from_secs(15);

impl Carrier {
    /// A carrier for one account, serving these people.
    pub(super) fn new(
        account_sid: String,
        auth_token: String,
        clock: Arc<VirtualClock>,
        plan: TownPlan,
    ) -> Result<Self, reqwest::Error> {
        let web = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(REPLY_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("TwilioProxy/1.1 (careline simulated town)")
            .build()?;
        let book = Book {
            people: BTreeMap::new(),
            calls: Vec::new(),
            live: BTreeMap::new(),
            conferences: Vec::new(),
            numbers: BTreeMap::new(),
            faults: Faults::default(),
            texts: texts::TextBook::default(),
        };
        let (changes, bustle) = (watch::Sender::new(0), Arc::default());
        let inner = Inner { account_sid, auth_token, clock, web, book: Mutex::new(book), changes, bustle };
        let carrier = Self(Arc::new(inner));
        carrier.settle(plan);
        Ok(carrier)
    }

    /// Every call the carrier ever saw, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<CallSeen> {
        self.book().calls.clone()
    }

    /// Every conference there ever was, oldest first.
    #[must_use]
    pub fn conferences(&self) -> Vec<ConferenceSeen> {
        self.book().conferences.iter().map(conference::Conference::seen).collect()
    }

    /// The conference of a sid.
    pub(super) fn conference(&self, sid: &str) -> Option<ConferenceSeen> {
        self.book().conferences.iter().rev().find(|one| one.has_sid(sid)).map(conference::Conference::seen)
    }

    /// Conferences of a name, or all of them, oldest first.
    pub(super) fn conferences_named(&self, name: Option<&str>) -> Vec<ConferenceSeen> {
        let book = self.book();
        let found = book.conferences.iter().filter(|one| name.is_none_or(|name| one.has_name(name)));
        found.map(conference::Conference::seen).collect()
    }

    /// Looks at the calls now and after every change until `look` finds what it wants. Never ends by itself.
    pub async fn until<T>(&self, look: impl Fn(&[CallSeen]) -> Option<T>) -> T {
        let mut changes = self.0.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = look(&self.book().calls) {
                return found;
            }
            // The sender lives in the carrier, which is borrowed here, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Adds people, or replaces those who have the same numbers.
    pub fn settle(&self, plan: TownPlan) {
        self.change(|book| {
            for person in plan.people {
                book.people.insert(person.number.as_str().to_owned(), person);
            }
        });
    }

    /// Sets the person of a number before a browser of this identity: a dial to the client reaches them there too. False when
    /// nobody has the number.
    pub fn seat(&self, identity: &str, number: &str) -> bool {
        self.change(|book| {
            let Some(person) = book.people.get(number).cloned() else { return false };
            book.people.insert(format!("client:{identity}"), person);
            true
        })
    }

    /// Everybody in town, by number.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        self.book().people.values().cloned().collect()
    }

    /// Makes the person with this number, who must be in an answered call, say something. False when they are not.
    pub async fn make_say(&self, number: &str, text: &str) -> bool {
        self.make(number, Act::Say(text.to_owned())).await
    }

    /// Makes them press keys.
    pub async fn make_press(&self, number: &str, keys: &str) -> bool {
        self.make(number, Act::Press(keys.to_owned())).await
    }

    /// Makes them hang up.
    pub async fn make_hang_up(&self, number: &str) -> bool {
        self.make(number, Act::HangUp).await
    }

    async fn make(&self, number: &str, act: Act) -> bool {
        let live = self.book().answered_call_of(number);
        match live {
            Some(live) => live.orders.send(Order::Do(act)).await.is_ok(),
            None => false,
        }
    }

    /// Ends every call that is not over, as when the town is closed.
    pub(super) fn hang_up_everything(&self) {
        for live in self.book().live.values() {
            let _ = live.orders.try_send(Order::End);
        }
    }

    /// The number of changes so far, for those who wait for the next.
    pub(super) fn version(&self) -> u64 {
        *self.0.changes.borrow()
    }

    /// Waits for a change after change number `version`.
    pub(super) async fn changed_after(&self, version: u64) {
        let mut changes = self.0.changes.subscribe();
        let _ = changes.wait_for(|now| *now > version).await;
    }

    pub(super) fn clock(&self) -> &Arc<VirtualClock> {
        &self.0.clock
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the book and wakes everyone who watches it.
    fn change<T>(&self, edit: impl FnOnce(&mut Book) -> T) -> T {
        let done = edit(&mut self.book());
        self.0.changes.send_modify(|version| *version += 1);
        done
    }

    /// Changes one call's page.
    fn note(&self, sid: &str, edit: impl FnOnce(&mut CallSeen)) {
        self.change(|book| book.call_mut(sid).map(edit));
    }

    fn note_fault(&self, sid: &str, code: u32, text: impl Into<String>) {
        let text = text.into();
        tracing::warn!(code, "the town's carrier notes a fault in a call");
        self.note(sid, |call| call.errors.push(CallFault { code, text }));
    }
}

/// A sid: two letters and 32 hexadecimal digits.
fn fresh_sid(prefix: &str) -> String {
    let bytes: [u8; 16] = rand::rng().random();
    format!("{prefix}{}", hex::encode(bytes))
}
