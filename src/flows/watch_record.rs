//! The calendar's verifications: when one is due, and who learns of a fault.

use crate::{
    app::App,
    domain::{chain::ChainReport, job::Job, notice::Notice, people::Actor},
    error::Error,
    store::{checkpoints, jobs},
};
use chrono::TimeDelta;

/// How often the whole record is verified by itself.
const EVERY: TimeDelta = TimeDelta::hours(1);

/// Whether the actor's organization is due for a verification.
///
/// # Errors
/// When the database is away.
pub async fn is_due(app: &App, actor: &Actor) -> Result<bool, Error> {
    let mut tx = app.db.begin(actor).await?;
    let last = checkpoints::last_check(&mut tx).await?;
    Ok(last.is_none_or(|last| app.clock.now() - last.at >= EVERY))
}

/// Keeps what a verification found. Of a fault every admin and auditor gets a letter, once a day.
///
/// # Errors
/// When the database is away.
pub async fn note(app: &App, actor: &Actor, report: &ChainReport) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    checkpoints::checked(&mut tx, report, now).await?;
    if let Some(fault) = &report.fault {
        tracing::error!(org = %actor.org, fault = %fault, "the record did not verify");
        for staff in checkpoints::keepers(&mut tx).await? {
            let job = Job::SendNotice { staff, notice: Notice::RecordFault };
            jobs::enqueue(&mut tx, &job, &now.date_naive().to_string(), now, now).await?;
        }
    }
    tx.commit().await
}
