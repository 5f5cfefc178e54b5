//! Writes entries that say nothing, so that the stopwatch can tell how fast the record is.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Who},
    },
    error::Error,
    store::audit,
};

/// Writes one entry in a transaction of its own, as every deed does.
///
/// # Errors
/// `Forbidden` for anybody but the operator; otherwise when the database is away.
pub async fn write(app: &App, actor: &Actor, number: u64) -> Result<(), Error> {
    if actor.who != Who::Operator {
        return Err(Error::Forbidden);
    }
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::MeasuredRecord).with("number", number);
    let _receipt = audit::record(&mut tx, actor, &deed, app.clock.now()).await?;
    tx.commit().await
}
