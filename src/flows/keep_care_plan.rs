//! A care plan is made, changed, paused, gone on with, ended; and what its next dates would be, before anybody decides.

pub use crate::{domain::care_plan::CarePlan, store::planning::Planning};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::CallEvent,
        care_plan::{Cadence, PlanState, WINDOW_MINUTES},
        ids::{PatientId, PlanId},
        job::Job,
        matching::is_region,
        people::Actor,
        recurrence::{Occurrence, Recurrence},
    },
    error::Error,
    store::{OrgTx, audit, calls, care_plans, check_ins, errands, jobs, matching, planning, standing},
};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

/// How many dates a preview shows.
const PREVIEW: u16 = 6;
/// How far ahead a preview looks.
const PREVIEW_WITHIN: Duration = Duration::days(366);

/// The plans of a patient, with what can be chosen for one.
#[derive(Clone)]
pub struct Plans {
    /// What can be chosen.
    pub planning: Planning,
    /// Each plan that is not over, with what its rule says and its next dates.
    pub plans: Vec<(CarePlan, String, Vec<Occurrence>)>,
    /// Where the patient lives (ISO 3166-2), for the licence of whoever talks to them; `None` is not known.
    pub region: Option<String>,
    /// The instant it was read.
    pub now: DateTime<Utc>,
}

/// Reads a patient's plans.
///
/// # Errors
/// `NotFound` for a patient the actor does not reach.
pub async fn open(app: &App, actor: &Actor, patient: PatientId) -> Result<Plans, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedChart, now).await?;
    let planning = planning::choices(&mut tx, &receipt).await?;
    let found = care_plans::of_chart(&mut tx, &receipt).await?;
    let region = matching::region(&mut tx, &receipt).await?;
    tx.commit().await?;
    let mut plans = Vec::new();
    for plan in found {
        let rule = read(&plan.cadence)?;
        let next = if plan.state == PlanState::Active { dates(&rule, planning.zone, now) } else { Vec::new() };
        plans.push((plan, rule.says(), next));
    }
    Ok(Plans { planning, plans, region, now })
}

/// Writes down where a patient lives, as ISO 3166-2 has it; nothing is "not known".
///
/// # Errors
/// `Invalid` when it is no such code; `NotFound` for a patient the actor does not reach; `Forbidden` under urgent access.
pub async fn set_region(app: &App, actor: &Actor, patient: PatientId, region: &str) -> Result<(), Error> {
    let region = region.trim().to_ascii_uppercase();
    let known = if region.is_empty() { None } else { Some(region.as_str()) };
    if known.is_some_and(|region| !is_region(region)) {
        return Err(Error::Invalid("region: write it as country and region, such as US-NY".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let chart = audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedChart, now).await?;
    chart.may_change()?;
    let deed = Deed::of(DeedKind::SetRegion).patient(patient).with("known", known.is_some());
    let _receipt = audit::record(&mut tx, actor, &deed, now).await?;
    matching::set_region(&mut tx, &chart, known).await?;
    tx.commit().await
}

/// The next dates of a cadence on a patient's clock. Nothing is stored.
///
/// # Errors
/// `Invalid` when the rule or the window cannot be kept.
pub fn preview(cadence: &Cadence, zone: Tz, now: DateTime<Utc>) -> Result<(String, Vec<Occurrence>), Error> {
    let rule = read(cadence)?;
    let next = dates(&rule, zone, now);
    if next.is_empty() {
        return Err(Error::Invalid(
            "rule: it falls on no day in the coming year; correct its days or its end".to_owned(),
        ));
    }
    Ok((rule.says(), next))
}

fn read(cadence: &Cadence) -> Result<Recurrence, Error> {
    let (least, most) = WINDOW_MINUTES;
    if !(least..=most).contains(&cadence.window_minutes) {
        return Err(Error::Invalid(format!("window: choose {least} to {most} minutes")));
    }
    Recurrence::read(&cadence.rule, cadence.starts_on, cadence.at).map_err(|bad| Error::Invalid(format!("rule: {bad}")))
}

fn dates(rule: &Recurrence, zone: Tz, now: DateTime<Utc>) -> Vec<Occurrence> {
    rule.between(zone, now, now + PREVIEW_WITHIN, PREVIEW)
}

/// Makes a plan. Its calls appear with the planner's look, a moment later. The id was made with the form: posting it
/// twice is one plan.
///
/// # Errors
/// `Invalid` when the cadence cannot be kept; `NotFound` for a patient the actor does not reach; `Forbidden` under urgent
/// access.
pub async fn make(
    app: &App,
    actor: &Actor,
    patient: PatientId,
    id: PlanId,
    mut cadence: Cadence,
) -> Result<PlanId, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let chart = audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedChart, now).await?;
    chart.may_change()?;
    if care_plans::of_chart(&mut tx, &chart).await?.iter().any(|plan| plan.id == id) {
        return Ok(id);
    }
    fits(&mut tx, patient, &mut cadence, now).await?;
    let deed = Deed::of(DeedKind::MadeCarePlan)
        .patient(patient)
        .subject(id.0)
        .with("rule", &cadence.rule)
        .with("purpose", cadence.purpose.word())
        .with("manner", cadence.manner.word());
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    let plan = CarePlan { id, patient, cadence, state: PlanState::Active };
    care_plans::add(&mut tx, &receipt, &plan, actor.staff_id(), now).await?;
    look_soon(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes what a plan says. Its calls that have not begun are gone over: those it no longer has are called off now, new
/// ones appear with the planner's look, a moment later.
///
/// # Errors
/// As `make`; `Conflict` when the plan has ended.
pub async fn change(app: &App, actor: &Actor, id: PlanId, mut cadence: Cadence) -> Result<PatientId, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut plan = held(&mut tx, id).await?;
    let chart = audit::open_chart(&mut tx, actor, plan.patient, DeedKind::OpenedChart, now).await?;
    chart.may_change()?;
    if plan.state == PlanState::Ended {
        return Err(Error::Conflict("this plan has ended; make a new one".to_owned()));
    }
    fits(&mut tx, plan.patient, &mut cadence, now).await?;
    let deed = Deed::of(DeedKind::ChangedCarePlan).patient(plan.patient).subject(id.0).with("rule", &cadence.rule);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    plan.cadence = cadence;
    care_plans::save(&mut tx, &receipt, &plan, now).await?;
    call_off(&mut tx, actor, id, now).await?;
    look_soon(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(plan.patient)
}

/// Pauses a plan, goes on with it or ends it. A plan that makes no calls has none waiting.
///
/// # Errors
/// As `change`.
pub async fn set_state(app: &App, actor: &Actor, id: PlanId, state: PlanState) -> Result<PatientId, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let mut plan = held(&mut tx, id).await?;
    let chart = audit::open_chart(&mut tx, actor, plan.patient, DeedKind::OpenedChart, now).await?;
    chart.may_change()?;
    if plan.state == state {
        return Ok(plan.patient);
    }
    if plan.state == PlanState::Ended {
        return Err(Error::Conflict("this plan has ended; make a new one".to_owned()));
    }
    let kind = match state {
        PlanState::Active => DeedKind::ResumedCarePlan,
        PlanState::Paused => DeedKind::PausedCarePlan,
        PlanState::Ended => DeedKind::EndedCarePlan,
    };
    let receipt = audit::record(&mut tx, actor, &Deed::of(kind).patient(plan.patient).subject(id.0), now).await?;
    plan.state = state;
    care_plans::save(&mut tx, &receipt, &plan, now).await?;
    if state != PlanState::Active {
        call_off(&mut tx, actor, id, now).await?;
    }
    look_soon(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(plan.patient)
}

async fn look_soon(tx: &mut OrgTx, id: PlanId, now: DateTime<Utc>) -> Result<(), Error> {
    jobs::enqueue(tx, &Job::PlanAhead { plan: id }, &now.timestamp_micros().to_string(), now, now).await
}

/// The plan under its lock, after the patient's: whoever locks both does it in this order.
async fn held(tx: &mut OrgTx, id: PlanId) -> Result<CarePlan, Error> {
    let patient = care_plans::patient_of(tx, id).await?;
    standing::hold(tx, patient).await?;
    Ok(care_plans::lock(tx, id).await?.plan)
}

/// Whether the cadence can be kept for this patient; the rule is spelled as it is stored.
async fn fits(tx: &mut OrgTx, patient: PatientId, cadence: &mut Cadence, now: DateTime<Utc>) -> Result<(), Error> {
    let standing = standing::standing(tx, patient, now).await?;
    let zone = standing.time_zone;
    preview(cadence, zone, now)?;
    let rule = read(cadence)?;
    rule.rule().clone_into(&mut cadence.rule);
    if cadence.manner.is_automatic() {
        check_ins::can_be_asked(tx, &cadence.protocol, cadence.manner.channel()).await?;
    }
    let hours = standing.house.hours;
    if cadence.at < hours.from || cadence.at >= hours.until {
        return Err(Error::Invalid(format!(
            "time: choose one within the patient's calling hours, {} to {}",
            hours.from.format("%H:%M"),
            hours.until.format("%H:%M")
        )));
    }
    Ok(())
}

/// Calls off what waits of a plan and was not begun or moved by a person; a rule does it, so the same date may come again.
async fn call_off(tx: &mut OrgTx, actor: &Actor, id: PlanId, now: DateTime<Utc>) -> Result<(), Error> {
    let since = now.naive_utc() - Duration::days(2);
    for waiting in care_plans::calls(tx, id, since).await? {
        if !waiting.is_untouched() {
            continue;
        }
        let mut call = calls::lock(tx, waiting.id).await?;
        if errands::follow(tx, actor, &mut call, CallEvent::CalledOff, now).await? {
            call.outcome = Some("plan_changed".to_owned());
            calls::save(tx, &call).await?;
        }
    }
    Ok(())
}
