//! A text that came in: kept once; a wish about texts is honoured in the same transaction, a reply moves the check-in that
//! waits for it, whatever else may be about how somebody feels becomes work for a person, and the one answer a machine gives
//! says whom to ring.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        check_in::looks_like_an_answer,
        consent::ConsentChannel,
        follow_up::{FollowUpReason, NewFollowUp, default_within},
        ids::{OptOutId, OrgId, TextId},
        people::{Actor, Language, PatientStatus, PhoneNumber},
        private::Private,
        text::{
            Wording,
            reading::{self, Needs, Reading, Wish},
            templates::{self, Template},
        },
    },
    error::Error,
    live::LiveEvent,
    ports::texts::IncomingText,
    store::{
        OrgTx,
        audit::{Receipt, record},
        by_text::{self, Reads, Taken, Waiting},
        follow_ups,
        inbox::{self, Arrived, Holder},
        opt_outs::{self, OptOut},
        reminders::{self, TextSettings},
        text_check_ins,
        texts::{self, NewText},
    },
};
use chrono::{DateTime, Duration, Utc};

/// Most characters of a text that are kept; networks carry far fewer.
const LONGEST: usize = 10_000;
/// How far back texts are looked for that no webhook brought.
const LOOK_BACK: Duration = Duration::hours(72);
/// Most characters quoted in the follow-up.
const QUOTED: usize = 160;
/// How the answers of a check-in are marked, so that nobody is asked to read each of them as a text.
const CHECK_IN: &str = "check_in";
/// What stands for a date of birth or a code in the thread.
const NOT_KEPT: &str = "(digits that prove who writes; compared, not kept)";
/// For so long after its end somebody may still answer a check-in without knowing that it is over.
const LATE_ANSWERS: Duration = Duration::hours(24);
/// The same answer goes to one number once in so long: two machines must not talk for ever.
const ANSWER_AGAIN: Duration = Duration::minutes(15);

/// Takes one text.
///
/// # Errors
/// `NotFound` when it was not sent to a number of this organization; otherwise when the database is away, and the carrier
/// brings it again.
pub async fn hear(app: &App, org: OrgId, incoming: &IncomingText) -> Result<(), Error> {
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    let settings = reminders::settings(&mut tx).await?;
    if settings.own_number != incoming.to {
        return Err(Error::NotFound);
    }
    if texts::is_kept(&mut tx, &incoming.sid.0).await? {
        return Ok(());
    }
    let holders = inbox::holders(&mut tx, &incoming.from).await?;
    let (mut arrived, reading) = arrived(incoming, &holders, now);
    let waiting = by_text::waiting(&mut tx, &incoming.from).await?;
    let reads = waiting.as_ref().and_then(|waiting| meant(waiting, &mut arrived, reading, now));
    let deed = about(DeedKind::ReceivedText, &arrived).with("meaning", arrived.meaning).with("could_be", holders.len());
    let receipt = record(&mut tx, &actor, &deed, now).await?;
    if !inbox::keep(&mut tx, &receipt, &arrived, now).await? {
        return Ok(());
    }
    let since = now - LATE_ANSWERS;
    let lateness = if waiting.is_none()
        && looks_like_an_answer(arrived.body.reveal())
        && text_check_ins::ended_since(&mut tx, &incoming.from, since).await?
    {
        Lateness::TooLate
    } else {
        Lateness::Timely
    };
    let check_in = arrived.check_in.or(waiting.as_ref().map(by_text::Waiting::call));
    let heard = Heard { actor, settings, holders, arrived, reading, lateness, now };
    heard.honour(&mut tx).await?;
    match heard.take(app, &mut tx, waiting, reads).await? {
        Some(Taken::Wholly) => {}
        Some(Taken::Called) if reading.needs != Needs::PersonNow => {}
        Some(Taken::Called | Taken::ForPerson) => heard.hand_over(&mut tx).await?,
        None => {
            heard.hand_over(&mut tx).await?;
            heard.answer(&mut tx, &receipt).await?;
        }
    }
    tx.commit().await?;
    if let Some(call) = check_in {
        app.live.publish(org, call, LiveEvent::CallMoved);
        app.live.publish(org, call, LiveEvent::AssessmentMoved);
    }
    Ok(())
}

/// What a text says to the check-in that waits for it; `None` when it is none of its business. What proves who somebody is
/// was compared and is not kept.
fn meant(waiting: &Waiting, arrived: &mut Arrived, reading: Reading, now: DateTime<Utc>) -> Option<Reads> {
    if !matches!(reading.wish, Wish::Nothing | Wish::Help) {
        return None;
    }
    let reads = waiting.reads(arrived.body.reveal(), reading, now)?;
    arrived.patient = Some(waiting.patient());
    arrived.check_in = Some(waiting.call());
    if reads.is_answer() {
        arrived.meaning = CHECK_IN;
    }
    if reads.is_secret() {
        arrived.body = Private::new(NOT_KEPT.to_owned());
    }
    Some(reads)
}

/// Takes what webhooks did not bring, as while nothing of ours ran: the carrier still has it. How many texts there were.
///
/// # Errors
/// When the carrier or the database is away.
pub async fn catch_up(app: &App, actor: &Actor) -> Result<usize, Error> {
    let mut tx = app.db.begin(actor).await?;
    let own_number = reminders::settings(&mut tx).await?.own_number;
    tx.commit().await?;
    let mut missed = 0;
    for incoming in app.texts.received(&own_number, app.clock.now() - LOOK_BACK).await? {
        let mut tx = app.db.begin(actor).await?;
        let is_kept = texts::is_kept(&mut tx, &incoming.sid.0).await?;
        tx.commit().await?;
        if !is_kept {
            hear(app, actor.org, &incoming).await?;
            missed += 1;
        }
    }
    Ok(missed)
}

fn arrived(incoming: &IncomingText, holders: &[Holder], now: DateTime<Utc>) -> (Arrived, Reading) {
    // The database takes every character but this one.
    let body: String = incoming.body.reveal().chars().filter(|letter| *letter != '\0').take(LONGEST).collect();
    let only = match holders {
        [one] => Some(one),
        _ => None,
    };
    let reading = reading::read(&body, incoming.pictures);
    let arrived = Arrived {
        id: TextId::at(now),
        sid: incoming.sid.0.clone(),
        number: incoming.from.clone(),
        own_number: incoming.to.clone(),
        patient: only.map(|holder| holder.patient),
        contact: only.and_then(|holder| holder.contact),
        check_in: None,
        meaning: reading.code(),
        body: Private::new(body),
        pictures: i32::try_from(incoming.pictures).unwrap_or(i32::MAX),
    };
    (arrived, reading)
}

fn about(kind: DeedKind, arrived: &Arrived) -> Deed {
    Deed { patient: arrived.patient, ..Deed::of(kind).subject(arrived.id.0) }
}

/// A text that came in, and everything known about who may have sent it.
struct Heard {
    actor: Actor,
    settings: TextSettings,
    holders: Vec<Holder>,
    arrived: Arrived,
    reading: Reading,
    lateness: Lateness,
    now: DateTime<Utc>,
}

/// Whether a text answers a check-in that is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lateness {
    /// It does not.
    Timely,
    /// It does; nobody waits for it any more, and whoever wrote it does not know.
    TooLate,
}

impl Heard {
    const fn reading(&self) -> Reading {
        self.reading
    }

    const fn number(&self) -> &PhoneNumber {
        &self.arrived.number
    }

    /// Whoever holds the telephone decides about texts to it: a fact about the number, with the text as its evidence.
    async fn honour(&self, tx: &mut OrgTx) -> Result<(), Error> {
        let wish = match self.reading().wish {
            Wish::Stop | Wish::WrongNumber => opt_outs::Wish::Stop,
            Wish::Start => opt_outs::Wish::GoOn,
            Wish::Help | Wish::Nothing => return Ok(()),
        };
        let words: String = self.arrived.body.reveal().chars().take(QUOTED).collect();
        let said = OptOut {
            id: OptOutId::at(self.now),
            channel: ConsentChannel::Sms,
            wish,
            evidence: Private::new(format!("text {}: “{}”", self.arrived.id, words.trim())),
            author: None,
            at: self.now,
        };
        let deed = about(DeedKind::RecordedTextStop, &self.arrived).with("wish", wish.word());
        let receipt = record(tx, &self.actor, &deed, self.now).await?;
        opt_outs::note(tx, &receipt, self.number(), &said).await?;
        if wish == opt_outs::Wish::Stop {
            let texts = reminders::call_off_number(tx, &receipt, self.number(), self.now).await?;
            let deed = about(DeedKind::CalledOffTexts, &self.arrived).with("texts", texts);
            let _receipt = record(tx, &self.actor, &deed, self.now).await?;
        }
        Ok(())
    }

    /// What the check-in that waits makes of it; `None` when it is none of its business.
    async fn take(
        &self,
        app: &App,
        tx: &mut OrgTx,
        waiting: Option<Waiting>,
        reads: Option<Reads>,
    ) -> Result<Option<Taken>, Error> {
        let Some(waiting) = waiting else { return Ok(None) };
        match (self.reading().wish, reads) {
            (Wish::Stop | Wish::WrongNumber, _) => {
                by_text::stop(tx, &self.actor, waiting, self.now).await?;
                Ok(None)
            }
            (Wish::Nothing | Wish::Help, Some(reads)) => {
                let key = &app.settings.call_code_key;
                by_text::take(tx, &self.actor, key, waiting, (self.arrived.id, reads), self.now).await.map(Some)
            }
            (Wish::Start | Wish::Nothing | Wish::Help, _) => Ok(None),
        }
    }

    /// What a person must read becomes work, for each patient it could be from or about.
    async fn hand_over(&self, tx: &mut OrgTx) -> Result<(), Error> {
        let reason = match (self.reading().needs, self.reading().wish, self.lateness) {
            (Needs::PersonNow, _, _) => FollowUpReason::UrgentText,
            (Needs::Person, _, _) | (Needs::Nobody, Wish::WrongNumber, _) | (_, _, Lateness::TooLate) => {
                FollowUpReason::TextToRead
            }
            (Needs::Nobody, Wish::Stop | Wish::Start | Wish::Help | Wish::Nothing, Lateness::Timely) => return Ok(()),
        };
        for holder in &self.holders {
            let work = NewFollowUp {
                patient: holder.patient,
                call: None,
                assessment: None,
                reason,
                summary: Private::new(self.summary(holder)),
                urgency: reason.default_urgency(),
                owner: None,
                due_at: self.now + default_within(reason.default_urgency()),
                once_key: format!("text:{}:{}", self.arrived.id, holder.patient),
            };
            follow_ups::open(tx, &self.actor, &work, self.now).await?;
        }
        Ok(())
    }

    fn summary(&self, holder: &Holder) -> String {
        let whose = match (self.holders.len(), holder.contact) {
            (1, None) => "the patient's number",
            (1, Some(_)) => "a contact's number",
            (_, _) => "a number that several people have",
        };
        let mut words: String = self.arrived.body.reveal().chars().take(QUOTED).collect();
        if self.arrived.pictures > 0 {
            words.push_str(" [with a picture, not shown]");
        }
        let next = match self.reading().wish {
            Wish::WrongNumber => "Texts there have ended. Find out the right number.",
            Wish::Stop | Wish::Start | Wish::Help | Wish::Nothing => {
                "Anybody could have sent it. Ring, and find out who."
            }
        };
        format!("A text from {whose}: “{}” {next}", words.trim())
    }

    /// The one answer a machine gives.
    async fn answer(&self, tx: &mut OrgTx, receipt: &Receipt) -> Result<(), Error> {
        let template = match (self.reading().wish, self.reading().needs) {
            (Wish::Stop | Wish::WrongNumber, _) => Template::StopConfirmed,
            (Wish::Start, _) => Template::StartConfirmed,
            (Wish::Help, _) => Template::Help,
            (Wish::Nothing, Needs::PersonNow) => Template::RingInstead,
            (Wish::Nothing, Needs::Person | Needs::Nobody) if self.lateness == Lateness::TooLate => Template::OverNow,
            (Wish::Nothing, Needs::Person | Needs::Nobody) => return Ok(()),
        };
        // Nothing goes to a telephone of somebody who died or left; what was written there is work for a person.
        let followed = |holder: &Holder| holder.status == PatientStatus::Active;
        let wording = Wording::Template(template);
        if !self.holders.iter().all(followed)
            || reminders::was_told(tx, self.number(), wording, ANSWER_AGAIN, self.now).await?
        {
            return Ok(());
        }
        let body = templates::words(template, self.language(), &self.settings.filling);
        let deed = about(DeedKind::WroteText, &self.arrived).with("wording", template.word());
        let _receipt = record(tx, &self.actor, &deed, self.now).await?;
        let text = NewText {
            id: TextId::at(self.now),
            patient: self.arrived.patient,
            number: self.number().clone(),
            own_number: self.settings.own_number.clone(),
            wording,
            body: Private::new(body),
            call: None,
            answers: Some(self.arrived.id),
            check_in: None,
            written_by: None,
            send_at: self.now,
            once_key: format!("answer:{}", self.arrived.id),
        };
        texts::write(tx, receipt, &text, self.now).await.map(drop)
    }

    fn language(&self) -> Language {
        match self.holders.as_slice() {
            [one] if one.contact.is_none() => one.language,
            _ if reading::seems_spanish(self.arrived.body.reveal()) => Language::Spanish,
            _ => Language::English,
        }
    }
}
