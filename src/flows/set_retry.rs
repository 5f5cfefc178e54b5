//! How often an unreached patient is rung again: a rule a coordinator sets for each outcome, for one purpose or for all.

pub use crate::store::retry::{RetryFor, SetRule};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::{LONGEST_PAUSE_MINUTES, MOST_TRIES, Unreached},
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::record, retry},
};

/// Every rule that is set. What is not follows the defaults.
///
/// # Errors
/// When the database is away.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<SetRule>, Error> {
    let mut tx = app.db.begin(actor).await?;
    let rules = retry::all(&mut tx).await?;
    tx.commit().await?;
    Ok(rules)
}

/// Sets a rule. Calls that wait follow it from their next attempt on.
///
/// # Errors
/// `Forbidden` unless a coordinator; `Invalid` when its numbers are out of bounds.
pub async fn set(app: &App, actor: &Actor, rule: SetRule) -> Result<(), Error> {
    actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    if !rule.rule.is_sound() {
        return Err(Error::Invalid(format!(
            "choose 1 to {MOST_TRIES} attempts and pauses of 1 to {LONGEST_PAUSE_MINUTES} minutes"
        )));
    }
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetRetryRule)
        .with("purpose", rule.purpose.word())
        .with("outcome", rule.outcome.code())
        .with("tries", rule.rule.most_tries)
        .with("first_pause", rule.rule.first_pause_minutes)
        .with("later_pause", rule.rule.later_pause_minutes);
    let receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    retry::set(&mut tx, &receipt, rule).await?;
    tx.commit().await
}

/// Takes a rule back: the one for any purpose holds again, or the default.
///
/// # Errors
/// `Forbidden` unless a coordinator.
pub async fn unset(app: &App, actor: &Actor, purpose: RetryFor, outcome: Unreached) -> Result<(), Error> {
    actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetRetryRule)
        .with("purpose", purpose.word())
        .with("outcome", outcome.code())
        .with("tries", "default");
    let receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    retry::unset(&mut tx, &receipt, purpose, outcome).await?;
    tx.commit().await
}
