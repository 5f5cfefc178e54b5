//! A person says what was done about a follow-up.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::FollowUpId,
        people::{Actor, Role},
    },
    error::Error,
    store::{
        audit::{Receipt, record},
        follow_ups, teams,
    },
};

/// Completes an open follow-up with what was done, in the person's own words.
///
/// # Errors
/// `Invalid` without words; `Conflict` when it is done already; `Forbidden` for admins and auditors,
/// and under urgent access.
pub async fn complete(app: &App, actor: &Actor, id: FollowUpId, outcome: &str) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let outcome = outcome.trim();
    if outcome.is_empty() {
        return Err(Error::Invalid("Write what was done, in a sentence, before closing the follow-up.".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = follow_ups::lock(&mut tx, id).await?;
    if teams::reach(&mut tx, actor, held.patient, now).await?.urgent().is_some() {
        return Err(Error::Forbidden);
    }
    if !held.is_open {
        return Err(Error::Conflict("This follow-up was completed before; read the list again.".to_owned()));
    }
    follow_ups::complete(&mut tx, &held, by, outcome, now).await?;
    let deed = Deed::of(DeedKind::CompletedFollowUp).patient(held.patient).subject(id.0);
    let _receipt: Receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await
}
