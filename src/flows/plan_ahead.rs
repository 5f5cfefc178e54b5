//! The planner: makes the calls of every care plan for the coming fortnight, each occurrence once, and calls off what a plan
//! no longer has. It compares what should be with what is, so it may run twice, stop half-way, or look again after anything.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::{CallEvent, CallState},
        care_plan::{CarePlan, HORIZON, LOOK_EVERY, PlanState},
        contact_hours::may_call,
        ids::{CallId, PlanId},
        job::Job,
        matching::Reason,
        people::Actor,
        recurrence::{Occurrence, Recurrence},
    },
    error::Error,
    store::{
        OrgTx,
        audit::record,
        calls::{self, PlanOccurrence, Planned, PlannedCall},
        care_plans::{self, CallOfPlan},
        errands, jobs, matching,
        standing::standing,
    },
};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

/// Plans looked at in one run of the calendar, and most calls one look makes.
const AT_A_LOOK: i64 = 200;
const MOST_CALLS: u16 = 64;

/// Looks at every plan that is to be looked at; how many calls were made or called off.
///
/// # Errors
/// When the database is away. A plan that cannot be read is left for later and does not hold the others back.
pub async fn plan(app: &App, actor: &Actor) -> Result<u32, Error> {
    let mut tx = app.db.begin(actor).await?;
    let plans = care_plans::to_look_at(&mut tx, app.clock.now(), AT_A_LOOK).await?;
    tx.commit().await?;
    let mut changed = 0_u32;
    let mut first_fault = None;
    for plan in plans {
        match look(app, actor, plan).await {
            Ok(calls) => changed = changed.saturating_add(calls),
            Err(error) => first_fault = first_fault.or(Some(error)),
        }
    }
    first_fault.map_or(Ok(changed), Err)
}

/// Looks at one plan, if it is to be looked at; how many calls were made or called off.
///
/// # Errors
/// `NotFound` when there is no such plan; otherwise when the database is away.
pub async fn look(app: &App, actor: &Actor, id: PlanId) -> Result<u32, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    // The patient comes first, as everywhere: a change of where they stand waits for this look or comes before it.
    let patient = care_plans::patient_of(&mut tx, id).await?;
    let standing = standing(&mut tx, patient, now).await?;
    let locked = care_plans::lock(&mut tx, id).await?;
    if locked.plan.state != PlanState::Active || locked.look_at > now {
        return Ok(0);
    }
    let plan = locked.plan;
    let zone = standing.time_zone;
    let held = may_call(now, &standing, plan.cadence.manner).err().filter(|held| held.until.is_none());
    let from = locked.covered_until.unwrap_or(now).min(now);
    let until = now + HORIZON;
    let rule = Recurrence::read(&plan.cadence.rule, plan.cadence.starts_on, plan.cadence.at)
        .map_err(|_| Error::Fault("a stored rule of a care plan cannot be read".to_owned()))?;
    let wanted = if held.is_some() { Vec::new() } else { rule.between(zone, from, until, MOST_CALLS) };
    let since = from.with_timezone(&zone).naive_local() - Duration::days(1);
    let there = care_plans::calls(&mut tx, id, since).await?;
    let mut changed = 0_u32;
    for stale in there.iter().filter(|call| call.is_untouched() && is_stale(call, &wanted, now)) {
        call_off(&mut tx, actor, stale.id, held.map_or("plan_changed", |held| held.code()), now).await?;
        changed = changed.saturating_add(1);
    }
    for occurrence in wanted {
        if let Some(round) = round_to_make(&there, occurrence, now) {
            changed = changed.saturating_add(make(&mut tx, actor, &plan, occurrence, round, zone, now).await?);
        }
    }
    let covered_until = held.is_none().then_some(until);
    care_plans::looked(&mut tx, id, covered_until, now + LOOK_EVERY).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Whether a call still to come is at no date of the plan any more, or the date has another instant since the patient moved.
fn is_stale(call: &CallOfPlan, wanted: &[Occurrence], now: DateTime<Utc>) -> bool {
    call.due_at > now && !wanted.iter().any(|due| due.local == call.local && due.at == call.due_at)
}

/// The round in which an occurrence is to be made: the first one, the next one when a rule called the last one off, none
/// when it has its call or a person called that off.
fn round_to_make(there: &[CallOfPlan], occurrence: Occurrence, now: DateTime<Utc>) -> Option<i32> {
    let Some(last) = there.iter().filter(|call| call.local == occurrence.local).max_by_key(|call| call.round) else {
        return Some(0);
    };
    let by_a_rule = last.state == CallState::Cancelled && last.outcome.as_deref() != Some("called_off");
    let moved_away = last.is_untouched() && last.due_at > now && last.due_at != occurrence.at;
    (by_a_rule || moved_away).then(|| last.round.saturating_add(1))
}

async fn call_off(tx: &mut OrgTx, actor: &Actor, id: CallId, outcome: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let mut call = calls::lock(tx, id).await?;
    if errands::follow(tx, actor, &mut call, CallEvent::CalledOff, now).await? {
        call.outcome = Some(outcome.to_owned());
        calls::save(tx, &call).await?;
    }
    Ok(())
}

/// Makes the call of one occurrence with whoever fits best then, and the job that will place it.
async fn make(
    tx: &mut OrgTx,
    actor: &Actor,
    plan: &CarePlan,
    occurrence: Occurrence,
    round: i32,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<u32, Error> {
    let cadence = &plan.cadence;
    let ranked = matching::nurses_for(tx, plan.patient, cadence.nurse, occurrence.at).await?;
    let best = ranked.into_iter().find(|found| found.is_fit() && found.reasons.contains(&Reason::ServesTeam));
    let covers_for = match &best {
        Some(found) if found.reasons.contains(&Reason::Covers) => {
            matching::away(tx, plan, found.nurse, occurrence.at).await?
        }
        Some(_) | None => None,
    };
    let nurse = best.as_ref().map(|found| found.nurse);
    let planned = PlannedCall {
        id: CallId::at(now),
        patient: plan.patient,
        purpose: cadence.purpose,
        manner: cadence.manner,
        protocol: cadence.protocol.clone(),
        nurse,
        due_at: occurrence.at,
        idem_key: format!("plan:{}:{}:{round}", plan.id, occurrence.local.format("%Y%m%dT%H%M")),
        window_until: Some(occurrence.at + Duration::minutes(i64::from(cadence.window_minutes))),
        occurrence: Some(PlanOccurrence { plan: plan.id, local: occurrence.local, round }),
        matched: best.map(|found| found.reasons).unwrap_or_default(),
        covers_for,
    };
    let id = match calls::plan(tx, &planned, None, now).await? {
        Planned::New(id) => id,
        Planned::Before(_) => return Ok(0),
    };
    jobs::enqueue(tx, &Job::PlaceCall { call: id }, "due", occurrence.at, now).await?;
    let deed = Deed::of(DeedKind::ScheduledCall)
        .patient(plan.patient)
        .subject(id.0)
        .with("purpose", cadence.purpose.word())
        .with("manner", cadence.manner.word())
        .with("plan", plan.id)
        .with("zone", zone.name());
    let _receipt = record(tx, actor, &deed, now).await?;
    Ok(1)
}
