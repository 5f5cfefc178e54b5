//! Texts on the town's network: accepted, carried, delivered or not, reported on as faithfully as faults allow; and what
//! townspeople write. Whoever writes STOP is kept from texts by the carrier itself, as the real one does.

use super::{
    Carrier,
    calm::InHand,
    faults::CreateFault,
    fresh_sid,
    post::{Fields, Method},
    waits::Wait,
};
use crate::{
    ports::clock::Clock,
    simulator::people::{Person, Texting},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Whole texts that end and begin texts at the provider (Twilio, advanced opt-out).
const STOPS: [&str; 8] = ["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"];
const STARTS: [&str; 3] = ["START", "YES", "UNSTOP"];
/// Between two steps of a text.
const STEP: Duration = Duration::from_millis(15);
/// How late late callbacks are.
const LATE: Duration = Duration::from_mins(10);
/// No such telephone (provider's code).
const UNKNOWN_HANDSET: u32 = 30005;

/// One text as the carrier saw it.
#[derive(Clone, Debug, Serialize)]
pub struct TextSeen {
    /// The carrier's name for it.
    pub sid: String,
    /// Whose telephone shows it.
    pub to: String,
    /// Who sent it.
    pub from: String,
    /// The words.
    pub body: String,
    /// Whether a townsperson wrote it.
    pub inbound: bool,
    /// How far it came, the provider's word.
    pub status: &'static str,
    /// Why not further.
    pub error_code: Option<u32>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// How often the telephone showed it: 0 or 1.
    pub shown: u32,
}

/// What the carrier keeps about texts.
#[derive(Debug, Default)]
pub(super) struct TextBook {
    /// In order of creation.
    seen: Vec<TextSeen>,
    /// Where texts to a number of an account are reported.
    numbers: BTreeMap<String, String>,
    /// Who stopped texts from which number.
    stopped: BTreeSet<(String, String)>,
    faults: TextFaults,
}

/// What may be asked for at `POST /town/text-faults`. Absent fields change nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFaultsWanted {
    /// How creating is answered.
    #[serde(default)]
    pub create: Option<CreateFault>,
    /// For how many texts; for all of them when absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// How long `slow` takes, in real seconds; 20 when absent.
    #[serde(default)]
    pub slow_seconds: Option<u64>,
    /// What happens to callbacks, and to what townspeople write.
    #[serde(default)]
    pub callbacks: Option<TextCallbacks>,
    /// How long the list does not show a new text, in the town's seconds.
    #[serde(default)]
    pub list_lag_seconds: Option<u32>,
}

/// What happens to callbacks about texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextCallbacks {
    /// Each comes once, in order.
    #[default]
    Normal,
    /// Each comes twice.
    Twice,
    /// None comes.
    Lost,
    /// The last comes first.
    Reordered,
    /// Each comes ten minutes late.
    Late,
}

impl TextCallbacks {
    /// How often each comes.
    const fn copies(self) -> u32 {
        match self {
            Self::Normal | Self::Reordered | Self::Late => 1,
            Self::Twice => 2,
            Self::Lost => 0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct TextFaults {
    create: CreateFault,
    times: Option<u32>,
    slow: Duration,
    callbacks: TextCallbacks,
    list_lag: TimeDelta,
}

impl Default for TextFaults {
    fn default() -> Self {
        Self {
            create: CreateFault::Normal,
            times: None,
            slow: Duration::from_secs(20),
            callbacks: TextCallbacks::Normal,
            list_lag: TimeDelta::zero(),
        }
    }
}

/// A text that an account wants sent.
#[derive(Clone, Debug)]
pub(super) struct TextPlan {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) body: String,
    pub(super) callback: Option<String>,
}

impl Carrier {
    /// Every text the carrier ever saw, oldest first.
    #[must_use]
    pub fn texts(&self) -> Vec<TextSeen> {
        self.book().texts.seen.clone()
    }

    /// Texts as the API's list shows them, newest first: a new one may not be in it yet.
    pub(super) fn listed_texts(&self) -> Vec<TextSeen> {
        let now = self.0.clock.now();
        let book = self.book();
        let lag = book.texts.faults.list_lag;
        book.texts.seen.iter().rev().filter(|text| text.created_at + lag <= now).cloned().collect()
    }

    /// Where texts to a number of the account go, as its owner sets it at the provider.
    pub fn set_text_address(&self, number: &str, url: &str) {
        self.change(|book| book.texts.numbers.insert(number.to_owned(), url.to_owned()));
    }

    /// Begins to misbehave about texts, or stops.
    pub fn misbehave_with_texts(&self, wanted: &TextFaultsWanted) {
        self.change(|book| {
            let faults = &mut book.texts.faults;
            if let Some(create) = wanted.create {
                faults.create = create;
                faults.times = wanted.times;
            }
            if let Some(seconds) = wanted.slow_seconds {
                faults.slow = Duration::from_secs(seconds);
            }
            if let Some(callbacks) = wanted.callbacks {
                faults.callbacks = callbacks;
            }
            if let Some(seconds) = wanted.list_lag_seconds {
                faults.list_lag = TimeDelta::seconds(i64::from(seconds));
            }
        });
    }

    /// How to answer the creation at hand, and how late if slowly.
    pub(super) fn next_text_fault(&self) -> (CreateFault, Wait) {
        self.change(|book| {
            let faults = &mut book.texts.faults;
            let now = faults.create;
            if let Some(times) = faults.times.as_mut() {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    faults.create = CreateFault::Normal;
                    faults.times = None;
                }
            }
            (now, Wait::Real(faults.slow))
        })
    }

    /// Why a text to a number is refused at once, the provider's code, if it is.
    pub(super) fn refuses_text(&self, to: &str, from: &str) -> Option<u32> {
        let book = self.book();
        if book.texts.stopped.contains(&(to.to_owned(), from.to_owned())) {
            return Some(21610);
        }
        match book.people.get(to).map(|person| &person.texts) {
            Some(Texting::Refused(code)) => Some(*code),
            Some(Texting::Arrive | Texting::Undelivered(_) | Texting::Failed(_)) | None => None,
        }
    }

    /// Accepts a text and carries it; the page as it was accepted.
    pub(super) fn accept_text(&self, plan: TextPlan) -> TextSeen {
        let text = TextSeen {
            sid: fresh_sid("SM"),
            to: plan.to,
            from: plan.from,
            body: plan.body,
            inbound: false,
            status: "queued",
            error_code: None,
            created_at: self.0.clock.now(),
            shown: 0,
        };
        let person = self.change(|book| {
            book.texts.seen.push(text.clone());
            book.people.get(&text.to).cloned()
        });
        let (carrier, page) = (self.clone(), text.clone());
        let in_hand = self.in_hand();
        tokio::spawn(async move { carrier.carry(page, person, plan.callback, in_hand).await });
        text
    }

    /// A text on its way, and the callbacks about it.
    async fn carry(self, text: TextSeen, person: Option<Person>, callback: Option<String>, mut in_hand: InHand) {
        let (ending, code) = match person.as_ref().map(|person| &person.texts) {
            Some(Texting::Arrive) => ("delivered", None),
            Some(Texting::Failed(code)) => ("failed", Some(*code)),
            Some(Texting::Undelivered(code) | Texting::Refused(code)) => ("undelivered", Some(*code)),
            None => ("undelivered", Some(UNKNOWN_HANDSET)),
        };
        let mut reports = vec![("queued", None), ("sending", None)];
        if ending != "failed" {
            reports.push(("sent", None));
        }
        reports.push((ending, code));
        for (status, code) in &reports {
            in_hand = Wait::Town(STEP, self.clone()).pass_with(in_hand).await;
            self.note_text(&text.sid, |seen| {
                (seen.status, seen.error_code) = (status, *code);
                seen.shown += u32::from(*status == "delivered");
            });
        }
        if let Some(url) = callback {
            in_hand = self.report(&url, &text, reports, in_hand).await;
        }
        drop(in_hand);
        if let Some(person) = person.filter(|_| ending == "delivered") {
            self.write_back(&person, &text).await;
        }
    }

    async fn report(
        &self,
        url: &str,
        text: &TextSeen,
        mut reports: Vec<(&'static str, Option<u32>)>,
        mut in_hand: InHand,
    ) -> InHand {
        let mode = self.book().texts.faults.callbacks;
        if mode == TextCallbacks::Late {
            in_hand = Wait::Town(LATE, self.clone()).pass_with(in_hand).await;
        }
        if mode == TextCallbacks::Reordered {
            reports.reverse();
        }
        for (status, code) in reports {
            let mut fields = self.common_fields(text);
            fields.push(("MessageStatus".to_owned(), status.to_owned()));
            fields.push(("SmsStatus".to_owned(), status.to_owned()));
            if let Some(code) = code {
                fields.push(("ErrorCode".to_owned(), code.to_string()));
            }
            let token = fresh_sid("");
            for _ in 0..mode.copies() {
                self.deliver(url, Method::Post, &fields, &token).await;
            }
        }
        in_hand
    }

    /// What the person answers to the words, as their plan says.
    async fn write_back(&self, person: &Person, text: &TextSeen) {
        let words = text.body.to_lowercase();
        for reply in person.writes_back.iter().filter(|reply| words.contains(&reply.when_reads.to_lowercase())) {
            self.clock().sleep(reply.after_seconds.0).await;
            for _ in 0..reply.copies.unwrap_or(1) {
                self.make_text(&text.to, &text.from, &reply.says).await;
            }
        }
    }

    /// Makes a person write to a number, and reports it to whoever has the number. What is written is kept at the carrier
    /// even when nobody takes it.
    pub async fn make_text(&self, from: &str, to: &str, body: &str) -> TextSeen {
        let text = TextSeen {
            sid: fresh_sid("SM"),
            to: to.to_owned(),
            from: from.to_owned(),
            body: body.to_owned(),
            inbound: true,
            status: "received",
            error_code: None,
            created_at: self.0.clock.now(),
            shown: 0,
        };
        let word = body.trim().to_uppercase();
        let (url, copies) = self.change(|book| {
            let pair = (from.to_owned(), to.to_owned());
            if STOPS.contains(&word.as_str()) {
                book.texts.stopped.insert(pair);
            } else if STARTS.contains(&word.as_str()) {
                book.texts.stopped.remove(&pair);
            }
            book.texts.seen.push(text.clone());
            (book.texts.numbers.get(to).cloned(), book.texts.faults.callbacks.copies())
        });
        let Some(url) = url else { return text };
        let mut fields = self.common_fields(&text);
        fields.push(("Body".to_owned(), body.to_owned()));
        fields.push(("NumMedia".to_owned(), "0".to_owned()));
        fields.push(("NumSegments".to_owned(), "1".to_owned()));
        fields.push(("SmsStatus".to_owned(), "received".to_owned()));
        fields.push(("FromCountry".to_owned(), "US".to_owned()));
        let token = fresh_sid("");
        for _ in 0..copies {
            self.deliver(&url, Method::Post, &fields, &token).await;
        }
        text
    }

    fn common_fields(&self, text: &TextSeen) -> Fields {
        [
            ("AccountSid", self.0.account_sid.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("MessageSid", &text.sid),
            ("SmsSid", &text.sid),
            ("SmsMessageSid", &text.sid),
            ("From", &text.from),
            ("To", &text.to),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn note_text(&self, sid: &str, edit: impl FnOnce(&mut TextSeen)) {
        self.change(|book| book.texts.seen.iter_mut().rev().find(|text| text.sid == sid).map(edit));
    }
}
