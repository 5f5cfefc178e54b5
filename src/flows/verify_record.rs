//! Verifies the record: every hash of the chain is computed again. Verifying is itself a deed.

pub use crate::domain::chain::ChainFault;

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        chain::ChainReport,
        people::{Actor, Role, Who},
    },
    error::Error,
    store::{audit::record, chain},
};

/// Chains what waits, then walks the whole chain of the actor's organization.
///
/// # Errors
/// `Forbidden` for anybody but an auditor, an admin and the operator; what is wrong with the record is in the report.
pub async fn verify(app: &App, actor: &Actor) -> Result<ChainReport, Error> {
    match actor.who {
        Who::Operator | Who::Staff { role: Role::Admin | Role::Auditor, .. } => {}
        Who::Staff { role: Role::Nurse | Role::Coordinator | Role::Physician, .. }
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => return Err(Error::Forbidden),
    }
    loop {
        let mut tx = app.db.begin(actor).await?;
        let chained = chain::sequence(&mut tx).await?;
        tx.commit().await?;
        if chained == 0 {
            break;
        }
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let report = chain::verify(&mut tx, now).await?;
    let found = report.fault.as_ref().map_or_else(|| "ok".to_owned(), ToString::to_string);
    let deed = Deed::of(DeedKind::VerifiedRecord).with("entries", report.entries).with("found", found);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    Ok(report)
}
