//! The verdict on a month: how punctual it was, what became of every call, and whether anybody was rung twice, forgotten,
//! left without a person who knows, or rung who must not be.

use super::{
    deeds::Silence,
    facts::{CallFact, Dialled, Facts, Ring},
};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use uuid::Uuid;

/// What a due call may wait (P30).
const PUNCTUAL: Duration = Duration::seconds(5);
/// A call that fell due so shortly before the end may still be under way.
const UNDER_WAY: Duration = Duration::minutes(30);
/// No rule rings the same call again sooner than this after a telephone rang.
const SHORTEST_PAUSE: Duration = Duration::minutes(10);
/// What was handed to the carrier at the very instant of a change may reach it a moment after: whoever answers hears nothing.
const UNDER_THE_HAND: Duration = Duration::seconds(15);

/// The verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Calls that fell due.
    pub due: usize,
    /// Of these, the telephone rang at least once.
    pub placed: usize,
    /// Planned calls that were dialled and neither moved nor held back.
    pub measured: usize,
    /// Of these, dialled within five seconds.
    pub punctual: usize,
    /// The longest wait from due to dial, in milliseconds.
    pub worst_milliseconds: i64,
    /// Calls held back or called off, by rule.
    pub blocked: BTreeMap<String, i64>,
    /// How calls that fell due stand, with the reason.
    pub outcomes: BTreeMap<String, usize>,
    /// Rings of patients and nurses in the carrier's book.
    pub rings: usize,
    /// Surplus rings that were ended before anybody heard a word.
    pub caught: usize,
    /// Rings that should not have been.
    pub duplicates: usize,
    /// Calls that fell due and are neither over nor explained, dates of plans without a call, dials the carrier never saw.
    pub lost: usize,
    /// Calls that reached nobody without work for a named person.
    pub unalerted: usize,
    /// Rings and texts to somebody who must not be contacted.
    pub forbidden: usize,
    /// Texts in the carrier's book.
    pub texts: usize,
    /// The product's texts, by how they stand.
    pub text_states: BTreeMap<String, i64>,
    /// Calls that began because somebody rang us.
    pub inbound: usize,
    /// People promised to be rung back, in time, and waiting past their time.
    pub promises: [i64; 3],
    /// Assessments signed, and calls that took place without one.
    pub assessments: [i64; 2],
    /// Follow-ups, and those still open.
    pub follow_ups: [i64; 2],
    /// Entries of the record.
    pub entries: i64,
    /// What is wrong with the record; `None` is nothing.
    pub record_fault: Option<String>,
    /// What breaks a promise, each in a line; at most twenty.
    pub faults: Vec<String>,
}

/// Judges a month.
#[must_use]
pub fn judge(facts: &Facts) -> Verdict {
    let mut faults = Vec::new();
    let horizon = facts.end - UNDER_WAY;
    let due: Vec<&CallFact> = facts.calls.iter().filter(|call| !call.is_inbound && call.due_at <= horizon).collect();
    let placed = rung_calls(facts);
    let (measured, punctual, worst) = punctuality(facts);
    let (duplicates, caught) = duplicates(facts, &mut faults);
    let mut verdict = Verdict {
        due: due.len(),
        placed: due.iter().filter(|call| placed.contains(&call.id)).count(),
        measured,
        punctual,
        worst_milliseconds: worst,
        blocked: facts.held.clone(),
        rings: facts.rings.iter().filter(|ring| ring.rang).count(),
        caught,
        duplicates,
        lost: lost(facts, horizon, &placed, &mut faults),
        unalerted: unalerted(facts, &mut faults),
        forbidden: forbidden(facts, &mut faults),
        texts: facts.texts.len(),
        text_states: facts.text_states.clone(),
        inbound: facts.calls.iter().filter(|call| call.is_inbound).count(),
        promises: facts.promises,
        assessments: facts.assessments,
        follow_ups: facts.follow_ups,
        entries: facts.entries,
        record_fault: facts.record_fault.clone(),
        ..Verdict::default()
    };
    for call in due {
        let outcome = call.outcome.as_deref().unwrap_or("-");
        *verdict.outcomes.entry(format!("{}/{outcome}", call.state)).or_default() += 1;
    }
    faults.truncate(20);
    verdict.faults = faults;
    verdict
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.duplicates == 0
            && self.lost == 0
            && self.unalerted == 0
            && self.forbidden == 0
            && self.record_fault.is_none()
    }
}

/// Calls whose patient's telephone rang, by the carrier's book.
fn rung_calls(facts: &Facts) -> BTreeSet<Uuid> {
    let rang: BTreeSet<&str> = facts.rings.iter().filter(|ring| ring.rang).map(|ring| ring.sid.as_str()).collect();
    let own = facts.dialled.iter().filter(|one| one.is_patient);
    own.filter(|one| one.sid.as_deref().is_some_and(|sid| rang.contains(sid))).map(|one| one.call).collect()
}

/// How many planned calls were dialled at their time, of how many, and the longest wait.
fn punctuality(facts: &Facts) -> (usize, usize, i64) {
    let mut first: BTreeMap<Uuid, DateTime<Utc>> = BTreeMap::new();
    for one in facts.dialled.iter().filter(|one| one.is_patient) {
        if let Some(at) = one.posted_at {
            let known = first.entry(one.call).or_insert(at);
            *known = at.min(*known);
        }
    }
    let as_planned = |call: &&CallFact| !call.is_inbound && !call.was_moved && !facts.held_calls.contains(&call.id);
    let waits: Vec<Duration> = facts
        .calls
        .iter()
        .filter(as_planned)
        .filter_map(|call| Some(*first.get(&call.id)? - call.first_due?))
        .collect();
    let punctual = waits.iter().filter(|wait| **wait <= PUNCTUAL).count();
    (waits.len(), punctual, waits.iter().max().map_or(0, Duration::num_milliseconds))
}

/// Rings that belong to nothing, and calls that rang again too soon; and surplus rings that were ended unheard.
fn duplicates(facts: &Facts, faults: &mut Vec<String>) -> (usize, usize) {
    let own: BTreeMap<&str, &Dialled> =
        facts.dialled.iter().filter_map(|one| Some((one.sid.as_deref()?, one))).collect();
    let (mut surplus, mut caught) = (0, 0);
    let mut of_call: BTreeMap<Uuid, Vec<&Ring>> = BTreeMap::new();
    for ring in facts.rings.iter().filter(|ring| ring.rang) {
        match own.get(ring.sid.as_str()) {
            Some(one) if one.is_patient => of_call.entry(one.call).or_default().push(ring),
            Some(_) => {}
            None if ring.was_ended && ring.words == 0 => caught += 1,
            None => {
                surplus += 1;
                faults.push(format!("a ring at {} that is nobody's", ring.at));
            }
        }
    }
    for (call, mut rings) in of_call {
        rings.sort_by_key(|ring| ring.at);
        let soon = rings.iter().zip(rings.iter().skip(1)).filter(|(one, next)| next.at - one.at < SHORTEST_PAUSE);
        for (_, again) in soon {
            surplus += 1;
            faults.push(format!("call {call} rang again too soon, at {}", again.at));
        }
    }
    let mut times: BTreeMap<_, usize> = BTreeMap::new();
    for call in facts.calls.iter().filter(|call| call.state != "cancelled") {
        if let Some(occurrence) = call.occurrence {
            *times.entry(occurrence).or_default() += 1;
        }
    }
    for ((plan, local), count) in times.into_iter().filter(|(_, count)| *count > 1) {
        surplus += count - 1;
        faults.push(format!("plan {plan} has {count} calls for {local}"));
    }
    (surplus, caught)
}

fn lost(facts: &Facts, horizon: DateTime<Utc>, placed: &BTreeSet<Uuid>, faults: &mut Vec<String>) -> usize {
    let mut lost = BTreeSet::new();
    for call in facts.calls.iter().filter(|call| call.due_at <= horizon) {
        let is_over = matches!(call.state.as_str(), "done" | "missed" | "cancelled" | "needs_person");
        let was_made_up = call.state == "done" && !call.is_inbound && !placed.contains(&call.id);
        if !is_over || call.outcome.is_none() || was_made_up {
            lost.insert(call.id);
            let outcome = call.outcome.as_deref().unwrap_or("-");
            faults.push(format!("call {} due at {} is {}/{outcome}", call.id, call.due_at, call.state));
        }
    }
    let book: BTreeSet<&str> = facts.rings.iter().map(|ring| ring.sid.as_str()).collect();
    let inbound: BTreeSet<Uuid> = facts.calls.iter().filter(|call| call.is_inbound).map(|call| call.id).collect();
    for one in facts.dialled.iter().filter(|one| one.is_patient && !inbound.contains(&one.call)) {
        if one.sid.as_deref().is_some_and(|sid| !book.contains(sid)) && lost.insert(one.call) {
            faults.push(format!("call {} believes in a ring that the carrier never made", one.call));
        }
    }
    let kept: BTreeSet<_> = facts.calls.iter().filter_map(|call| call.occurrence).collect();
    let skipped: Vec<_> = facts.expected.iter().filter(|one| !kept.contains(&(one.plan, one.local))).collect();
    faults.extend(skipped.iter().map(|one| format!("plan {} has no call for {}", one.plan, one.local)));
    lost.len() + skipped.len()
}

/// Calls that reached nobody, or that only a person can bring back, without work for a named person. What a status forbids is
/// explained by the status; what a person called off, by that person.
fn unalerted(facts: &Facts, faults: &mut Vec<String>) -> usize {
    let silent: Vec<&CallFact> = facts
        .calls
        .iter()
        .filter(|call| !call.is_owed && (call.state == "missed" || call.state == "needs_person"))
        .chain(facts.calls.iter().filter(|call| {
            !call.is_owed
                && facts.held_calls.contains(&call.id)
                && matches!(call.outcome.as_deref(), Some("consent_withdrawn" | "number_opted_out" | "never_asked"))
        }))
        .collect();
    for call in &silent {
        let outcome = call.outcome.as_deref().unwrap_or("-");
        faults.push(format!("call {} is {}/{outcome} and nobody was told", call.id, call.state));
    }
    silent.len()
}

fn forbidden(facts: &Facts, faults: &mut Vec<String>) -> usize {
    let mut count = 0;
    for closed in &facts.closed {
        let is_shut = |at: DateTime<Utc>| at > closed.from && closed.until.is_none_or(|until| at < until);
        let under_the_hand = |ring: &Ring| ring.at < closed.from + UNDER_THE_HAND && ring.words == 0;
        if closed.what == Silence::Everything {
            for ring in facts.rings.iter().filter(|ring| ring.to == closed.number && ring.rang && is_shut(ring.at)) {
                if !under_the_hand(ring) {
                    count += 1;
                    faults.push(format!("rung at {}, forbidden since {}", ring.at, closed.from));
                }
            }
        }
        for text in facts.texts.iter().filter(|text| text.to == closed.number && is_shut(text.at)) {
            count += 1;
            faults.push(format!("texted at {}, forbidden since {}", text.at, closed.from));
        }
    }
    count
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |of: &BTreeMap<String, i64>| {
            of.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
        };
        let outcomes: BTreeMap<String, i64> = self
            .outcomes
            .iter()
            .map(|(what, count)| (what.clone(), i64::try_from(*count).unwrap_or(i64::MAX)))
            .collect();
        let verify = self.record_fault.as_deref().unwrap_or("ok");
        writeln!(f, "  calls        {} due, {} placed, {} rings of any telephone", self.due, self.placed, self.rings)?;
        writeln!(
            f,
            "  punctual     {} of {} ({} %) dialled within 5 s of their time, the latest after {} ms",
            self.punctual,
            self.measured,
            self.punctual.saturating_mul(100).checked_div(self.measured).unwrap_or(100),
            self.worst_milliseconds
        )?;
        writeln!(f, "  blocked      {}", listed(&self.blocked))?;
        writeln!(f, "  outcomes     {}", listed(&outcomes))?;
        writeln!(f, "  duplicates   {} ({} surplus rings were ended unheard)", self.duplicates, self.caught)?;
        writeln!(f, "  lost         {}", self.lost)?;
        writeln!(f, "  unalerted    {}", self.unalerted)?;
        writeln!(f, "  forbidden    {}", self.forbidden)?;
        writeln!(f, "  texts        {} at the carrier; {}", self.texts, listed(&self.text_states))?;
        let [promised, in_time, waiting] = self.promises;
        writeln!(
            f,
            "  inbound      {} calls; {promised} callers promised a ring back, {in_time} in time, {waiting} wait too long",
            self.inbound
        )?;
        let ([signed, unsigned], [owed, open]) = (self.assessments, self.follow_ups);
        writeln!(f, "  assessments  {signed} signed, {unsigned} calls without one")?;
        writeln!(f, "  follow-ups   {owed}, of these {open} open")?;
        writeln!(f, "  audit verify {verify} ({} entries)", self.entries)?;
        for fault in &self.faults {
            writeln!(f, "  ! {fault}")?;
        }
        Ok(())
    }
}
