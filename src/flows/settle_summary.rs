//! A nurse goes through the draft of what was said: accepts an item, puts it in other words, or drops it, and signs what is
//! left. Only then is it part of the record.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{CallId, ItemId},
        people::{Actor, Role},
        summary::settle::{hash_of, lines},
    },
    error::Error,
    live::LiveEvent,
    store::{OrgTx, audit, audit::ChartReceipt, calls, summaries},
};
use chrono::{DateTime, Utc};

pub use crate::{domain::summary::settle::Decided, store::summaries::Draft};

/// Decides about one item. The same decision twice is one.
///
/// # Errors
/// `NotFound` when the call has no such item, `Conflict` once it is signed, `Forbidden` unless a nurse or physician of the
/// patient's team.
pub async fn decide(app: &App, actor: &Actor, call: CallId, item: ItemId, decided: &Decided) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Nurse, Role::Physician]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (receipt, draft) = open(&mut tx, actor, call, now).await?;
    let stands = draft.items.iter().find(|own| own.id == item).ok_or(Error::NotFound)?;
    if stands.decided.as_ref() == Some(decided) {
        return tx.commit().await;
    }
    let deed = Deed::of(DeedKind::DecidedItem)
        .patient(receipt.patient())
        .subject(item.0)
        .with("call", call)
        .with("kind", stands.item.kind.word())
        .with("decided", decided.word());
    let entry = audit::record(&mut tx, actor, &deed, now).await?;
    summaries::decide(&mut tx, &entry, (&draft, call), (item, decided), (by, now)).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// Signs what was decided. `seen` is the number of decisions the reader saw.
///
/// # Errors
/// `Invalid` while an item is open, `Conflict` when it is signed or somebody decided since, `NotFound` without a draft,
/// `Forbidden` unless a nurse or physician of the patient's team.
pub async fn sign(app: &App, actor: &Actor, call: CallId, seen: i32) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Nurse, Role::Physician]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (receipt, draft) = open(&mut tx, actor, call, now).await?;
    if draft.decisions != seen {
        let text = "Somebody decided about an item since you read it. Read it again before you sign.";
        return Err(Error::Conflict(text.to_owned()));
    }
    let lines = lines(&draft.items).map_err(|open| {
        let items = if open == 1 { "One item is".to_owned() } else { format!("{open} items are") };
        Error::Invalid(format!("{items} still open. Accept, reword or drop each, then sign."))
    })?;
    let sha256 = hash_of(&lines).map_err(|error| Error::Fault(error.to_string()))?;
    summaries::sign(&mut tx, &receipt, (&draft, call), (&lines, &sha256), (by, now)).await?;
    let deed = Deed::of(DeedKind::SignedSummary)
        .patient(receipt.patient())
        .subject(draft.id.0)
        .with("call", call)
        .with("items", draft.items.len())
        .with("lines", lines.len())
        .with("sha256", hex::encode(&sha256));
    let _receipt = audit::record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// The draft of a call that may still be changed, kept for this transaction.
async fn open(tx: &mut OrgTx, actor: &Actor, call: CallId, now: DateTime<Utc>) -> Result<(ChartReceipt, Draft), Error> {
    let patient = calls::patient_of(tx, call).await?;
    let why = Deed::of(DeedKind::OpenedCall).subject(call.0);
    let receipt = audit::open_chart_for(tx, actor, patient, why, now).await?;
    receipt.may_change()?;
    summaries::lock(tx, call).await?;
    let draft = summaries::of_call(tx, &receipt, call).await?.ok_or(Error::NotFound)?;
    if draft.signed.is_some() {
        return Err(Error::Conflict("This summary is signed and final.".to_owned()));
    }
    Ok((receipt, draft))
}
