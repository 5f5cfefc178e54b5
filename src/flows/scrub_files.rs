//! Reads every stored file, and every chunk of a recording, at least once a week and verifies its tags without releasing a
//! byte, so that a fault is found while a backup still has what was lost, and not by the nurse who needs it.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        file_format::{FileKind, FilePlace},
        job::Job,
        notice::Notice,
        people::{Actor, Role},
        sealed::Sealed,
    },
    error::Error,
    ports::{OutageKind, objects::ObjectKey},
    store::{OrgTx, audit, files, jobs, recordings, staff},
};
use chrono::{DateTime, TimeDelta, Utc};

/// A file is due again after so many days; the seventh is left for the work itself.
const DUE_AFTER_DAYS: i64 = 6;
/// Files verified by one job.
const AT_ONCE: i64 = 20;

/// What one turn found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Files that were read to the end.
    pub read: u64,
    /// Files that were altered or are missing.
    pub faulty: u64,
}

/// Plans the next turn when a file is due; planned twice for one file it is one job.
///
/// # Errors
/// When the database is away.
pub async fn plan(app: &App, actor: &Actor) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    if let Some((first, _, _)) = waiting(&mut tx, now - TimeDelta::days(DUE_AFTER_DAYS), 1).await?.first() {
        let salt = format!("{}:{}", first.file, now.timestamp() / 900);
        jobs::enqueue(&mut tx, &Job::ScrubFiles, &salt, now, now).await?;
    }
    tx.commit().await
}

/// Verifies the files that were not verified for longest; what is still due after it is planned at once.
///
/// # Errors
/// When objects, keys or database are away; a file that could not be reached stays due and is no fault.
pub async fn scrub(app: &App, actor: &Actor) -> Result<Scrubbed, Error> {
    let due = app.clock.now() - TimeDelta::days(DUE_AFTER_DAYS);
    let mut tx = app.db.begin(actor).await?;
    let due_now = waiting(&mut tx, due, AT_ONCE).await?;
    tx.commit().await?;
    let mut found = Scrubbed::default();
    for (place, header, bytes) in due_now {
        let fault = verify(app, place, &header, bytes).await?;
        settle(app, actor, place, fault).await?;
        found.read += u64::from(fault.is_none());
        found.faulty += u64::from(fault.is_some());
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    if found != Scrubbed::default() {
        let deed = Deed::of(DeedKind::ScrubbedFiles).with("read", found.read).with("faulty", found.faulty);
        let _receipt: audit::Receipt = audit::record(&mut tx, actor, &deed, now).await?;
    }
    if let Some((next, _, _)) = waiting(&mut tx, due, 1).await?.first() {
        jobs::enqueue(&mut tx, &Job::ScrubFiles, &format!("{}:after:{}", next.file, now.timestamp_millis()), now, now)
            .await?;
    }
    tx.commit().await?;
    Ok(found)
}

/// What is due: of each kind that was not verified for longest, so many.
async fn waiting(tx: &mut OrgTx, due: DateTime<Utc>, most: i64) -> Result<Vec<(FilePlace, Sealed, u64)>, Error> {
    let mut found = files::to_verify(tx, due, most).await?;
    found.extend(recordings::to_verify(tx, due, most).await?);
    Ok(found)
}

async fn verify(app: &App, place: FilePlace, header: &Sealed, bytes: u64) -> Result<Option<&'static str>, Error> {
    let Some(object) = app.objects.stream(&ObjectKey::of(&place)).await? else { return Ok(Some("missing")) };
    match app.vault.verify_file(place, header, object).await {
        Ok(length) if length == bytes => Ok(None),
        Ok(_) => Ok(Some("length")),
        Err(outage) => match &outage.kind {
            OutageKind::Refused(code) if code == "sealed_value" => Ok(Some("altered")),
            OutageKind::Refused(_) => Ok(Some("key")),
            OutageKind::Unreachable
            | OutageKind::TimedOut
            | OutageKind::Broken
            | OutageKind::Throttled
            | OutageKind::Garbled => Err(outage.into()),
        },
    }
}

/// Writes the finding down; a fault that is news is told to every admin.
async fn settle(app: &App, actor: &Actor, place: FilePlace, fault: Option<&'static str>) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let is_news = match place.kind {
        FileKind::Document => files::verified(&mut tx, place.file, fault, now).await?,
        FileKind::Recording(_) => recordings::verified(&mut tx, place.file, fault, now).await?,
    };
    if is_news {
        for admin in staff::of_role(&mut tx, Role::Admin).await? {
            let job = Job::SendNotice { staff: admin, notice: Notice::FileFault };
            jobs::enqueue(&mut tx, &job, &place.file.to_string(), now, now).await?;
        }
    }
    tx.commit().await
}
