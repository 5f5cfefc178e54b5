//! Opens the form for planning a call: what can be chosen, on the patient's own clock.

pub use crate::store::planning::Planning;

use crate::{
    app::App,
    domain::{audit::DeedKind, ids::PatientId, people::Actor},
    error::Error,
    store::{audit, planning},
};

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
