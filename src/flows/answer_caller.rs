//! Somebody rings us. The number says whom it may be about and proves nobody: a call begins whose script asks who rings. A
//! number that is not one living patient's is rung back by a person; whoever shows none, or wants another, types one.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        caller_texts::{Promise, ToCaller, to_caller},
        ids::{AttemptId, CallId, CallerId, OrgId},
        job::Job,
        office_hours::{AfterHours, Office, OfficeDoor},
        people::{Actor, PatientStatus, PhoneNumber},
        script::Speech,
    },
    error::Error,
    ports::phone::CarrierNews,
    store::{
        OrgTx, attempts,
        audit::{Receipt, record},
        caller_lines::{self, CallerLine, WaitingCaller},
        callers::{self, Answered, NewCaller},
        house_rules, jobs, organizations,
    },
};
use chrono::{DateTime, Duration, Utc};

/// By when a caller we do not know is rung back; counted from the opening where the office is closed and says so.
const RING_BACK_WITHIN: Duration = Duration::minutes(30);
/// After so many entries that are no number, or none at all, a caller is asked no more.
const MOST_FAULTS: i32 = 3;

/// What becomes of a ring.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is a call: its script speaks.
    Call(AttemptId),
    /// No call begins; this is said or asked, in each language.
    Said(Vec<Speech>),
}

/// A ring as it is heard.
struct Ring<'a> {
    tx: &'a mut OrgTx,
    actor: &'a Actor,
    news: &'a CarrierNews,
    office: Office,
    now: DateTime<Utc>,
}

/// Answers a ring, or what a caller who was asked for a number has typed. The same message again is answered the same.
///
/// # Errors
/// When the database is away; the carrier then asks again.
pub async fn answer(app: &App, org: OrgId, news: &CarrierNews) -> Result<Answer, Error> {
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    if let Some(attempt) = attempts::of_sid(&mut tx, &news.sid.0).await? {
        return Ok(Answer::Call(attempt));
    }
    let office = house_rules::office(&mut tx, now).await?;
    let mut ring = Ring { tx: &mut tx, actor: &actor, news, office, now };
    let answer = match caller_lines::lock(ring.tx, &news.sid.0).await? {
        Some(line) => hear_number(&mut ring, line).await?,
        None => greet(&mut ring).await?,
    };
    tx.commit().await?;
    Ok(answer)
}

/// The attempt whose line has ended, if the ring was a call.
///
/// # Errors
/// When the database is away.
pub async fn attempt_of(app: &App, org: OrgId, news: &CarrierNews) -> Result<Option<AttemptId>, Error> {
    let mut tx = app.db.begin(&Actor::carrier(org)).await?;
    attempts::of_sid(&mut tx, &news.sid.0).await
}

/// The first message of a ring.
async fn greet(ring: &mut Ring<'_>) -> Result<Answer, Error> {
    let about = match &ring.news.caller {
        Some(number) => callers::patients_of(ring.tx, number).await?,
        None => Vec::new(),
    };
    match (&ring.news.caller, about.as_slice()) {
        (Some(number), [(patient, status)]) if is_followed(*status) && ring.opens() => {
            let own_number = organizations::calling_settings(ring.tx).await?.caller_number;
            let (call, attempt) = (CallId::at(ring.now), AttemptId::at(ring.now));
            let sid = ring.news.sid.0.clone();
            let answered = Answered { call, attempt, patient: *patient, number: number.clone(), rung: own_number, sid };
            return begin(ring, &answered).await;
        }
        (Some(number), _) => note(ring, number.clone(), Shown::ByCarrier(about.len())).await?,
        (None, _) => {
            let deed = Deed::of(DeedKind::NotedCaller).with("number", "withheld");
            let _receipt: Receipt = record(ring.tx, ring.actor, &deed, ring.now).await?;
        }
    }
    let (sid, heard) = (ring.news.sid.0.clone(), ring.news.dedupe_key.clone());
    let line = CallerLine { sid, faults: 0, is_over: false, heard };
    caller_lines::save(ring.tx, &line, ring.now).await?;
    say(ring, &line).await
}

/// A later message of a line on which a number may be typed.
async fn hear_number(ring: &mut Ring<'_>, mut line: CallerLine) -> Result<Answer, Error> {
    if line.is_over || line.heard == ring.news.dedupe_key {
        return say(ring, &line).await;
    }
    line.heard.clone_from(&ring.news.dedupe_key);
    let caller = caller_lines::caller(ring.tx, &line.sid).await?;
    let typed = match &ring.news.digits {
        Some(keys) => read_number(ring, keys.reveal()).await?,
        None => None,
    };
    match (typed, caller) {
        (Some(number), Some(waiting)) => {
            let deed = Deed::of(DeedKind::NotedCaller).subject(waiting.id.0).with("number", "typed");
            let _receipt: Receipt = record(ring.tx, ring.actor, &deed, ring.now).await?;
            caller_lines::retype(ring.tx, waiting.id, &number).await?;
            line.is_over = true;
        }
        (Some(number), None) => {
            note(ring, number, Shown::ByKeys).await?;
            line.is_over = true;
        }
        // Who has a promise already and types nothing has said all they wanted.
        (None, Some(_)) if ring.news.digits.is_none() => line.is_over = true,
        (None, _) => {
            line.faults = line.faults.saturating_add(1);
            line.is_over = line.faults >= MOST_FAULTS;
        }
    }
    caller_lines::save(ring.tx, &line, ring.now).await?;
    say(ring, &line).await
}

/// What was typed, if it can be rung and is not our own number.
async fn read_number(ring: &mut Ring<'_>, keys: &str) -> Result<Option<PhoneNumber>, Error> {
    let country = organizations::country(ring.tx).await?;
    let own = organizations::calling_settings(ring.tx).await?.caller_number;
    Ok(PhoneNumber::parse(keys.trim_end_matches('#'), &country).ok().filter(|number| *number != own))
}

/// The words that the state of a line asks for: the same state, the same words.
async fn say(ring: &mut Ring<'_>, line: &CallerLine) -> Result<Answer, Error> {
    let caller = caller_lines::caller(ring.tx, &line.sid).await?;
    let told = match &caller {
        Some(WaitingCaller { number: Some(number), is_typed: true, due_at, .. }) if line.is_over => {
            ToCaller::WillRing(number, ring.promise(*due_at))
        }
        Some(_) if line.is_over => ToCaller::Goodbye,
        Some(waiting) if line.faults == 0 => ToCaller::WillRingBack(ring.promise(waiting.due_at)),
        None if line.is_over => ToCaller::NoNumber,
        None if line.faults == 0 => ToCaller::AskNumber,
        Some(_) | None => ToCaller::AskNumberAgain,
    };
    Ok(Answer::Said(to_caller(told, &house_rules::emergency_number(ring.tx).await?)))
}

impl Ring<'_> {
    /// Whether a nurse is rung at this hour.
    fn opens(&self) -> bool {
        self.office.door(self.now) == OfficeDoor::Open || self.office.after_hours == AfterHours::Ring
    }

    /// By when a caller of this hour is rung back.
    fn due(&self) -> DateTime<Utc> {
        match self.office.door(self.now) {
            OfficeDoor::ClosedUntil(opens) if !self.opens() => opens + RING_BACK_WITHIN,
            OfficeDoor::Open | OfficeDoor::ClosedUntil(_) => self.now + RING_BACK_WITHIN,
        }
    }

    fn promise(&self, due_at: DateTime<Utc>) -> Promise {
        if due_at <= self.now + RING_BACK_WITHIN { Promise::Soon } else { Promise::By(due_at, self.office.zone) }
    }
}

/// Somebody in hospital, or who moved to another agency, rings because they are used to us: they get a nurse all the same. A
/// family's ring after a death is for a person who knows, not for a script that asks for a date of birth.
const fn is_followed(status: PatientStatus) -> bool {
    match status {
        PatientStatus::Active | PatientStatus::Admitted | PatientStatus::Withdrawn | PatientStatus::Transferred => true,
        PatientStatus::Deceased => false,
    }
}

async fn begin(ring: &mut Ring<'_>, answered: &Answered) -> Result<Answer, Error> {
    if callers::answer(ring.tx, answered, ring.now).await? {
        let deed = Deed::of(DeedKind::AnsweredCall)
            .patient(answered.patient)
            .subject(answered.call.0)
            .with("attempt", answered.attempt);
        let _receipt: Receipt = record(ring.tx, ring.actor, &deed, ring.now).await?;
    }
    let attempt = attempts::of_sid(ring.tx, &answered.sid).await?;
    attempt.map(Answer::Call).ok_or_else(|| Error::Conflict("a ring has a call without its leg".to_owned()))
}

/// How a number came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// The carrier shows it; so many patients have it.
    ByCarrier(usize),
    /// The caller typed it.
    ByKeys,
}

async fn note(ring: &mut Ring<'_>, number: PhoneNumber, shown: Shown) -> Result<(), Error> {
    let caller = NewCaller {
        id: CallerId::at(ring.now),
        sid: ring.news.sid.0.clone(),
        number: Some(number),
        is_typed: shown == Shown::ByKeys,
        due_at: ring.due(),
    };
    let deed = Deed::of(DeedKind::NotedCaller).subject(caller.id.0);
    let deed = match shown {
        Shown::ByCarrier(patients) => deed.with("patients", patients),
        Shown::ByKeys => deed.with("number", "typed"),
    };
    let receipt = record(ring.tx, ring.actor, &deed, ring.now).await?;
    if let Some(id) = callers::note(ring.tx, &receipt, &caller, ring.now).await? {
        let remind = Job::RemindCaller { caller: id, round: 0 };
        jobs::enqueue(ring.tx, &remind, "due", caller.due_at, ring.now).await?;
    }
    Ok(())
}
