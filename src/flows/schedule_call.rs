//! Plans a call, gives it another time, or rings now: the call and the job that will place it, in one transaction.

pub use crate::store::matching::Clashes;

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::{Call, CallManner, CallPurpose, CallState},
        contact_hours::may_call,
        ids::{CallId, PatientId, StaffId},
        job::Job,
        matching::Reason,
        people::Actor,
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx,
        audit::record,
        calls::{self, Planned, PlannedCall},
        check_ins, covers, jobs, matching,
        standing::standing,
        teams,
    },
};
use chrono::{DateTime, Duration, Utc};

/// A call to be planned.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// Whom it is for.
    pub patient: PatientId,
    /// Why.
    pub purpose: CallPurpose,
    /// Who asks.
    pub manner: CallManner,
    /// The protocol asked on it.
    pub protocol: String,
    /// The nurse planned for it, or anybody on duty.
    pub nurse: Option<StaffId>,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Made with the form: posting it twice is one call.
    pub idem_key: String,
    /// What to do about other calls around that time.
    pub clashes: OnClash,
}

/// What to do when a time clashes with other calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnClash {
    /// Ask first.
    Ask,
    /// Somebody has seen them and wants the call all the same.
    Accept,
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduled {
    /// The call is planned, now or by an earlier post of the same form.
    Planned(CallId),
    /// Nothing was planned: these stand in the way, until somebody accepts them.
    Clashes(Clashes),
}

/// Plans a call.
///
/// # Errors
/// `Invalid` when it falls due in the past or outside the patient's calling hours, or may not be rung at all.
pub async fn schedule(app: &App, actor: &Actor, new: NewCall) -> Result<Scheduled, Error> {
    let now = app.clock.now();
    not_past(new.due_at, now)?;
    let standing_in = match new.nurse {
        Some(nurse) => cover_of(app, actor, nurse, new.patient, new.due_at).await?,
        None => None,
    };
    let nurse = standing_in.or(new.nurse);
    // Who rings now is put through to whoever is free, so only a planned time can double-book a nurse.
    let booked = nurse.filter(|_| new.due_at > now);
    let clashes = clashes_with(app, actor, new.patient, booked, new.due_at, None).await?;
    let mut tx = app.db.begin(actor).await?;
    let _reached = teams::reach(&mut tx, actor, new.patient, now).await?;
    may_fall_due(&mut tx, new.patient, new.manner, new.due_at.max(now)).await?;
    if new.manner.is_automatic() {
        check_ins::can_be_asked(&mut tx, &new.protocol, new.manner.channel()).await?;
    }
    let planned = PlannedCall {
        id: CallId::at(now),
        patient: new.patient,
        purpose: new.purpose,
        manner: new.manner,
        protocol: new.protocol,
        nurse,
        due_at: new.due_at,
        idem_key: new.idem_key,
        window_until: None,
        occurrence: None,
        matched: if standing_in.is_some() { vec![Reason::Covers] } else { Vec::new() },
        covers_for: standing_in.and(new.nurse),
    };
    let id = match calls::plan(&mut tx, &planned, actor.staff_id(), now).await? {
        Planned::Before(id) => return Ok(Scheduled::Planned(id)),
        Planned::New(_) if new.clashes == OnClash::Ask && !clashes.is_empty() => {
            return Ok(Scheduled::Clashes(clashes));
        }
        Planned::New(id) => id,
    };
    jobs::enqueue(&mut tx, &Job::PlaceCall { call: id }, "due", new.due_at, now).await?;
    let deed = Deed::of(DeedKind::ScheduledCall)
        .patient(new.patient)
        .subject(id.0)
        .with("purpose", new.purpose.word())
        .with("manner", new.manner.word())
        .with("clashes", clashes.of_patient.len() + clashes.of_nurse.len());
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    Ok(Scheduled::Planned(id))
}

/// Gives a call that has not begun another time.
///
/// # Errors
/// As `schedule`; `Conflict` when it is already being placed or is over.
pub async fn reschedule(
    app: &App,
    actor: &Actor,
    id: CallId,
    due_at: DateTime<Utc>,
    on_clash: OnClash,
) -> Result<Scheduled, Error> {
    let now = app.clock.now();
    not_past(due_at, now)?;
    let read = waiting(app, actor, id, now).await?;
    let clashes = clashes_with(app, actor, read.patient, read.nurse, due_at, Some(id)).await?;
    if on_clash == OnClash::Ask && !clashes.is_empty() {
        return Ok(Scheduled::Clashes(clashes));
    }
    move_to(app, actor, id, due_at.max(now), now).await
}

/// Rings a planned call at once. Calling hours, consent and status hold as ever.
///
/// # Errors
/// As `reschedule`.
pub async fn ring_now(app: &App, actor: &Actor, id: CallId) -> Result<(), Error> {
    let now = app.clock.now();
    move_to(app, actor, id, now, now).await.map(drop)
}

/// The clock on which a call's time is typed: the patient's own.
///
/// # Errors
/// `NotFound` for a call of a patient the actor does not reach.
pub async fn clock_of(app: &App, actor: &Actor, id: CallId) -> Result<chrono_tz::Tz, Error> {
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, id).await?;
    let now = app.clock.now();
    let _reached = teams::reach(&mut tx, actor, patient, now).await?;
    let zone = standing(&mut tx, patient, now).await?.time_zone;
    tx.commit().await?;
    Ok(zone)
}

async fn move_to(
    app: &App,
    actor: &Actor,
    id: CallId,
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Scheduled, Error> {
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, id).await?;
    let _reached = teams::reach(&mut tx, actor, patient, now).await?;
    let manner = calls::manner_of(&mut tx, id).await?;
    may_fall_due(&mut tx, patient, manner, due_at).await?;
    let call = calls::lock(&mut tx, id).await?;
    still_waits(&call)?;
    let deed = Deed::of(DeedKind::MovedCall)
        .patient(call.patient)
        .subject(id.0)
        .with("from", call.due_at.to_rfc3339())
        .with("to", due_at.to_rfc3339());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    calls::move_to(&mut tx, &receipt, &call, due_at, actor.staff_id()).await?;
    // The job of the earlier time finds the call not due yet, or no longer waiting, and does nothing.
    let salt = format!("moved-{}", now.timestamp_micros());
    jobs::enqueue(&mut tx, &Job::PlaceCall { call: id }, &salt, due_at, now).await?;
    tx.commit().await?;
    app.live.publish(actor.org, id, LiveEvent::CallMoved);
    Ok(Scheduled::Planned(id))
}

async fn waiting(app: &App, actor: &Actor, id: CallId, now: DateTime<Utc>) -> Result<Call, Error> {
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, id).await?;
    let _reached = teams::reach(&mut tx, actor, call.patient, now).await?;
    tx.commit().await?;
    still_waits(&call)?;
    Ok(call)
}

fn still_waits(call: &Call) -> Result<(), Error> {
    if call.state == CallState::Scheduled {
        return Ok(());
    }
    Err(Error::Conflict("this call has begun or is over and has no other time; plan a new one".to_owned()))
}

fn not_past(due_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Error> {
    if due_at < now - Duration::minutes(5) {
        return Err(Error::Invalid("the call would fall due in the past; choose a later time".to_owned()));
    }
    Ok(())
}

/// Whether the patient may be rung at an instant, as far as is known now.
async fn may_fall_due(tx: &mut OrgTx, patient: PatientId, manner: CallManner, at: DateTime<Utc>) -> Result<(), Error> {
    let standing = standing(tx, patient, at).await?;
    may_call(at, &standing, manner).map_err(|held| Error::Invalid(held.says(manner.channel(), standing.time_zone)))
}

/// What stands in the way. The times of a nurse's calls with patients of other teams count too, so they are read with the
/// reach of Careline itself; who those patients are is not.
async fn clashes_with(
    app: &App,
    actor: &Actor,
    patient: PatientId,
    nurse: Option<StaffId>,
    due_at: DateTime<Utc>,
    except: Option<CallId>,
) -> Result<Clashes, Error> {
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let clashes = matching::clashes(&mut tx, patient, nurse, due_at, except).await?;
    tx.commit().await?;
    Ok(clashes)
}

/// Who stands in for a nurse at an instant, when they serve the patient's care team.
async fn cover_of(
    app: &App,
    actor: &Actor,
    nurse: StaffId,
    patient: PatientId,
    at: DateTime<Utc>,
) -> Result<Option<StaffId>, Error> {
    let mut tx = app.db.begin(actor).await?;
    let found = covers::of(&mut tx, nurse, at).await?;
    let found = match found {
        Some(by) if covers::serves(&mut tx, by, patient).await? => Some(by),
        Some(_) | None => None,
    };
    tx.commit().await?;
    Ok(found)
}
