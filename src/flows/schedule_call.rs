//! Plans a call, or rings now: the call and the job that will place it, in one transaction.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::CallPurpose,
        contact_hours::{Channel, may_contact},
        ids::{CallId, PatientId, StaffId},
        job::Job,
        people::Actor,
    },
    error::Error,
    store::{
        audit::record,
        calls::{self, Planned, PlannedCall},
        jobs,
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
    /// The protocol asked on it.
    pub protocol: String,
    /// The nurse planned for it, or anybody on duty.
    pub nurse: Option<StaffId>,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Made with the form: posting it twice is one call.
    pub idem_key: String,
}

/// Plans a call.
///
/// # Errors
/// `Invalid` when it falls due in the past or outside the patient's calling hours, or may not be rung at all;
/// `Conflict` when the patient already has a call within the hour.
pub async fn schedule(app: &App, actor: &Actor, new: NewCall) -> Result<CallId, Error> {
    let now = app.clock.now();
    if new.due_at < now - Duration::minutes(5) {
        return Err(Error::Invalid("the call would fall due in the past; choose a later time".to_owned()));
    }
    let mut tx = app.db.begin(actor).await?;
    let _reached = teams::reach(&mut tx, actor, new.patient, now).await?;
    let rung_at = new.due_at.max(now);
    let standing = standing(&mut tx, new.patient, rung_at).await?;
    may_contact(rung_at, &standing, Channel::Voice)
        .map_err(|held| Error::Invalid(held.says(Channel::Voice, standing.time_zone)))?;
    let planned = PlannedCall {
        id: CallId::at(now),
        patient: new.patient,
        purpose: new.purpose,
        protocol: new.protocol,
        nurse: new.nurse,
        due_at: new.due_at,
        idem_key: new.idem_key,
    };
    let near = calls::near(&mut tx, new.patient, new.due_at).await?;
    let id = match calls::plan(&mut tx, &planned, actor.staff_id(), now).await? {
        Planned::Before(id) => return Ok(id),
        Planned::New(_) if near.is_some() => {
            return Err(Error::Conflict("the patient already has a call within the hour of this time".to_owned()));
        }
        Planned::New(id) => id,
    };
    jobs::enqueue(&mut tx, &Job::PlaceCall { call: id }, "due", new.due_at, now).await?;
    let deed = Deed::of(DeedKind::ScheduledCall).patient(new.patient).subject(id.0).with("purpose", new.purpose.word());
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    Ok(id)
}
