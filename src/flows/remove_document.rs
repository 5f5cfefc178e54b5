//! Takes a document off a chart, with who did it and why. Its object stays for a month, for whoever has to ask.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{FileId, PatientId},
        job::Job,
        people::{Actor, Role},
    },
    error::Error,
    store::{audit, files, jobs},
};
use chrono::TimeDelta;

/// Days until the object of a removed document is erased.
const ERASED_AFTER_DAYS: i64 = 30;
/// Most characters of the reason.
const LONGEST_REASON: usize = 300;

/// Removes one.
///
/// # Errors
/// `Invalid` without a reason; `NotFound` when the chart has none of that name, or no more; `Forbidden` for whoever does
/// not care for patients or has urgent access only.
pub async fn remove(app: &App, actor: &Actor, patient: PatientId, id: FileId, why: &str) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let why = why.trim();
    if why.is_empty() || why.chars().count() > LONGEST_REASON {
        return Err(Error::Invalid(format!("document: say in 1 to {LONGEST_REASON} characters why it is removed")));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::RemovedDocument).subject(id.0);
    let receipt = audit::open_chart_for(&mut tx, actor, patient, deed, now).await?;
    receipt.may_change()?;
    files::remove(&mut tx, &receipt, id, by, why, now).await?;
    let then = now + TimeDelta::days(ERASED_AFTER_DAYS);
    jobs::enqueue(&mut tx, &Job::EraseDocument { file: id }, "removed", then, now).await?;
    tx.commit().await
}
