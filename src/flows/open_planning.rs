//! Opens the form for planning a call: what can be chosen, on the patient's own clock.

pub use crate::store::planning::Planning;

use crate::{
    app::App,
    domain::{
        audit::DeedKind,
        ids::{PatientId, StaffId},
        matching::Match,
        people::Actor,
    },
    error::Error,
    store::{audit, matching, planning, teams},
};
use chrono::{DateTime, Utc};

/// Reads what can be chosen for a patient.
///
/// # Errors
/// `NotFound` when the patient is not of this organization.
pub async fn open(app: &App, actor: &Actor, patient: PatientId) -> Result<Planning, Error> {
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedChart, app.clock.now()).await?;
    let choices = planning::choices(&mut tx, &receipt).await?;
    tx.commit().await?;
    Ok(choices)
}

/// Every nurse for a call with a patient at an instant, the best first, with the reasons. Their calls with patients whom the
/// reader does not reach count too, so this is read with the reach of Careline itself; it shows counts and no patient.
///
/// # Errors
/// `NotFound` for a patient the reader does not reach.
pub async fn fits(app: &App, actor: &Actor, patient: PatientId, at: DateTime<Utc>) -> Result<Vec<Match>, Error> {
    let mut tx = app.db.begin(actor).await?;
    let _reached = teams::reach(&mut tx, actor, patient, app.clock.now()).await?;
    tx.commit().await?;
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let ranked = matching::nurses_for(&mut tx, patient, None, at).await?;
    tx.commit().await?;
    Ok(ranked)
}

/// Active nurses by name, for the form that admits a patient. Names of staff are no patient's, so this is not a deed.
///
/// # Errors
/// When the database is away.
pub async fn nurses(app: &App, actor: &Actor) -> Result<Vec<(StaffId, String)>, Error> {
    let mut tx = app.db.begin(actor).await?;
    let nurses = planning::nurses(&mut tx).await?;
    tx.commit().await?;
    Ok(nurses)
}
