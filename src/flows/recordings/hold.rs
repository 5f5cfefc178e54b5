//! Keeps one recording from being erased, for as long as somebody says why; and lets it go again.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::CallId,
        people::{Actor, Role},
        private::Private,
        recording::LONGEST_REASON,
    },
    error::Error,
    store::{audit, call_page, retention},
};

/// Holds the recording of a call.
///
/// # Errors
/// `Forbidden` unless a coordinator of the patient's team; `Invalid` without a reason; `NotFound` when there is no recording,
/// or none any more; `Conflict` when it is held already.
pub async fn hold(app: &App, actor: &Actor, call: CallId, why: &str) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    let why = why.trim();
    if why.is_empty() || why.chars().count() > LONGEST_REASON {
        return Err(Error::Invalid(format!("hold: say in 1 to {LONGEST_REASON} characters why it must be kept")));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let deed = Deed::of(DeedKind::HeldRecording).subject(call.0);
    let receipt = audit::open_chart_for(&mut tx, actor, head.patient, deed, now).await?;
    receipt.may_change()?;
    retention::hold(&mut tx, &receipt, call, &Private::new(why.to_owned()), by, now).await?;
    tx.commit().await
}

/// Lets it go: it is erased when its time is over.
///
/// # Errors
/// `Forbidden` unless a coordinator of the patient's team; `NotFound` when nobody holds it.
pub async fn release(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let deed = Deed::of(DeedKind::ReleasedRecording).subject(call.0);
    let receipt = audit::open_chart_for(&mut tx, actor, head.patient, deed, now).await?;
    receipt.may_change()?;
    retention::release(&mut tx, &receipt, call, by, now).await?;
    tx.commit().await
}
