//! A coordinator hands a patient to another care team they serve.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{PatientId, TeamId},
        people::{Actor, Role},
    },
    error::Error,
    store::{
        audit::{open_chart, record},
        teams,
    },
};

/// Hands the patient over. Whoever reached them by the old team alone no longer does; their open sockets close.
///
/// # Errors
/// `Forbidden` unless a coordinator; `NotFound` for a patient they do not reach or a team they do not serve.
pub async fn hand_over(app: &App, actor: &Actor, patient: PatientId, to: TeamId) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let chart = open_chart(&mut tx, actor, patient, DeedKind::OpenedChart, now).await?;
    chart.may_change()?;
    let served = teams::served_by(&mut tx, by).await?;
    served.iter().find(|team| team.id == to).ok_or(Error::NotFound)?;
    let mut deed = Deed::of(DeedKind::HandedOverPatient).patient(patient).with("to", to);
    if let Some(from) = teams::of_patient(&mut tx, patient).await? {
        deed = deed.with("from", from.id);
    }
    let receipt = record(&mut tx, actor, &deed, now).await?;
    teams::hand_over(&mut tx, &receipt, patient, to).await?;
    tx.commit().await?;
    Ok(())
}
