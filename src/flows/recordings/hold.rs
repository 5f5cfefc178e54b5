//! Keeps one recording from being erased, for as long as somebody says why; and lets it go again.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::CallId,
        people::{Actor, Role},
        private::Private,
        retention::LONGEST_REASON,
    },
    error::Error,
    store::{
        OrgTx,
        audit::{ChartReceipt, open_chart_for},
        call_page, retention,
    },
};
use chrono::{DateTime, Utc};

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
    let receipt = chart(&mut tx, actor, call, DeedKind::HeldRecording, now).await?;
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
    let receipt = chart(&mut tx, actor, call, DeedKind::ReleasedRecording, now).await?;
    retention::release(&mut tx, &receipt, call, by, now).await?;
    tx.commit().await
}

/// Opens the chart of a call's patient for one who may change it.
async fn chart(
    tx: &mut OrgTx,
    actor: &Actor,
    call: CallId,
    kind: DeedKind,
    now: DateTime<Utc>,
) -> Result<ChartReceipt, Error> {
    let head = call_page::head(tx, call).await?;
    let receipt = open_chart_for(tx, actor, head.patient, Deed::of(kind).subject(call.0), now).await?;
    receipt.may_change()?;
    Ok(receipt)
}
