//! The follow-up list: what is owed, to whom, by when.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        follow_up::FollowUp,
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::record, follow_ups},
};

pub use crate::store::follow_ups::Show;

/// Reads the follow-ups; nurses, coordinators and physicians may.
///
/// # Errors
/// `Forbidden` for other roles; otherwise when the database is away.
pub async fn list(app: &App, actor: &Actor, show: Show) -> Result<Vec<FollowUp>, Error> {
    match actor.role() {
        Some(Role::Nurse | Role::Coordinator | Role::Physician) => {}
        Some(Role::Admin | Role::Auditor) | None => return Err(Error::Forbidden),
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = match show {
        Show::Open => Deed::of(DeedKind::ListedFollowUps),
        Show::OpenOf(owner) => Deed::of(DeedKind::ListedFollowUps).with("owner", owner),
        Show::OwedTo(patient) => Deed::of(DeedKind::ListedFollowUps).patient(patient),
    };
    let receipt = record(&mut tx, actor, &deed, now).await?;
    let list = follow_ups::list(&mut tx, &receipt, show).await?;
    tx.commit().await?;
    Ok(list)
}
