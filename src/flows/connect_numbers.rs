//! Tells the carrier that whoever rings or texts an organization's number is answered by us: the operator's errand, once
//! per number and after every change of the public address.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, PhoneNumber},
    },
    error::Error,
    ports::{Outage, OutageKind},
    store::{audit::record, organizations},
};

/// Connects the organization's number; returns it.
///
/// # Errors
/// `Invalid` when the carrier's account has no such number; an outage when the carrier is away.
pub async fn connect(app: &App, actor: &Actor) -> Result<PhoneNumber, Error> {
    let mut tx = app.db.begin(actor).await?;
    let number = organizations::calling_settings(&mut tx).await?.caller_number;
    tx.commit().await?;
    app.phone.connect(actor.org, &number).await.map_err(explain)?;
    let mut tx = app.db.begin(actor).await?;
    let _receipt = record(&mut tx, actor, &Deed::of(DeedKind::ConnectedNumber), app.clock.now()).await?;
    tx.commit().await?;
    Ok(number)
}

fn explain(outage: Outage) -> Error {
    match outage.kind {
        OutageKind::Refused(_) => Error::Invalid(
            "the carrier's account has no such number: buy or move it there first, or correct the organization's number"
                .to_owned(),
        ),
        OutageKind::Unreachable
        | OutageKind::TimedOut
        | OutageKind::Throttled
        | OutageKind::Broken
        | OutageKind::Garbled => outage.into(),
    }
}
