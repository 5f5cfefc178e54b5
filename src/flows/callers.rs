//! Callers whom a number did not tell: the list of who waits to be rung back, closing one, and what happens when the
//! promised time has passed.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::CallerId,
        job::Job,
        notice::Notice,
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::record, callers, jobs, staff},
};
use chrono::Duration;

pub use crate::store::callers::Caller;

/// Between two reminders.
const REMIND_EVERY: Duration = Duration::minutes(15);
/// Reminders after which the list alone speaks: a day of them.
const MOST_REMINDERS: u32 = 96;
/// Who rings back.
const CARERS: [Role; 3] = [Role::Nurse, Role::Coordinator, Role::Physician];

/// Everybody who waits.
///
/// # Errors
/// `Forbidden` for roles that ring nobody; otherwise when the database is away.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Caller>, Error> {
    let _by = actor.staff_among(&CARERS).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::ListedCallers), app.clock.now()).await?;
    let list = callers::waiting(&mut tx, &receipt).await?;
    tx.commit().await?;
    Ok(list)
}

/// Closes one, in a sentence.
///
/// # Errors
/// `Invalid` without words; `Conflict` when a colleague was faster; `Forbidden` for roles that ring nobody.
pub async fn close(app: &App, actor: &Actor, id: CallerId, outcome: &str) -> Result<(), Error> {
    let by = actor.staff_among(&CARERS).ok_or(Error::Forbidden)?;
    let outcome = outcome.trim();
    if outcome.is_empty() {
        return Err(Error::Invalid("Write who it was and what they wanted, in a sentence, before closing.".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::ClosedCaller).subject(id.0), now).await?;
    if !callers::close(&mut tx, &receipt, id, by, outcome, now).await? {
        return Err(Error::Conflict("A colleague has closed this already; read the list again.".to_owned()));
    }
    tx.commit().await
}

/// The promised time has passed: the owner and every coordinator get a letter, and the clock is wound again. Run by a job;
/// may run twice.
///
/// # Errors
/// When the database is away.
pub async fn remind(app: &App, actor: &Actor, id: CallerId, round: u32) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let Some(owner) = callers::owner_if_open(&mut tx, id).await? else { return Ok(()) };
    let mut whom = staff::of_role(&mut tx, Role::Coordinator).await?;
    if !whom.contains(&owner) {
        whom.push(owner);
    }
    for staff in whom {
        let letter = Job::SendNotice { staff, notice: Notice::CallerWaits };
        jobs::enqueue(&mut tx, &letter, &format!("{id}:{round}"), now, now).await?;
    }
    if round < MOST_REMINDERS {
        let again = Job::RemindCaller { caller: id, round: round.saturating_add(1) };
        jobs::enqueue(&mut tx, &again, "due", now + REMIND_EVERY, now).await?;
    }
    tx.commit().await
}
