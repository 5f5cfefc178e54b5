//! How long an organization keeps recordings, and what it does with them when consent is taken back.

pub use crate::domain::retention::{AfterWithdrawal, RetentionRule};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::record, retention},
};

/// Reads it.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn read(app: &App, actor: &Actor) -> Result<RetentionRule, Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let rule = retention::rule(&mut tx).await?;
    tx.commit().await?;
    Ok(rule)
}

/// Sets it; what is older than a shorter time is erased within the hour, unless it is held.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` with what to write instead.
pub async fn set(app: &App, actor: &Actor, days: &str, after_withdrawal: &str) -> Result<(), Error> {
    permit(actor)?;
    let rule = RetentionRule::read(days, after_withdrawal).map_err(Error::Invalid)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetRetention)
        .with("class", "recording")
        .with("days", rule.days)
        .with("after_withdrawal", rule.after_withdrawal.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    retention::set_rule(&mut tx, &receipt, rule, actor.staff_id(), now).await?;
    tx.commit().await
}

fn permit(actor: &Actor) -> Result<(), Error> {
    actor.staff_among(&[Role::Admin]).map(drop).ok_or(Error::Forbidden)
}
