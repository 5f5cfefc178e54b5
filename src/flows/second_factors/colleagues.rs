//! What an admin does about second factors: the organization's rule, who has which, and the way back for a colleague who
//! lost everything.

use super::{FactorPolicy, Standing, tell};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::StaffId,
        people::{Actor, Role, Who},
    },
    error::Error,
    store::{audit, factors, passkeys, staff},
};

/// The organization's rule and everybody's standing under it.
///
/// # Errors
/// `Forbidden` for anybody but an admin.
pub async fn list(app: &App, actor: &Actor) -> Result<(FactorPolicy, Vec<Standing>), Error> {
    only_admins(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::ListedFactors), app.clock.now()).await?;
    let policy = factors::policy(&mut tx).await?;
    let standings = factors::standings(&mut tx, &receipt).await?;
    tx.commit().await?;
    Ok((policy, standings))
}

/// Changes the rule, as an admin or as the operator at the machine.
///
/// # Errors
/// `Forbidden` for anybody else.
pub async fn set_policy(app: &App, actor: &Actor, policy: FactorPolicy) -> Result<(), Error> {
    only_admins(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetFactorPolicy).subject(actor.org.0).with("policy", policy.word());
    let receipt = audit::record(&mut tx, actor, &deed, app.clock.now()).await?;
    factors::set_policy(&mut tx, &receipt, policy).await?;
    tx.commit().await
}

/// Takes every factor and recovery code from a colleague and ends their sessions, so that they can begin anew with their
/// password. Never one's own: that way a stolen session would shed its owner's factors.
///
/// # Errors
/// `Forbidden` for anybody but an admin; `Conflict` for oneself; `NotFound` for somebody who does not work here.
pub async fn reset(app: &App, actor: &Actor, colleague: StaffId) -> Result<(), Error> {
    only_admins(actor)?;
    if actor.staff_id() == Some(colleague) {
        return Err(Error::Conflict(
            "your own factors are removed one by one on your account's page; another admin can reset them".to_owned(),
        ));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    staff::address(&mut tx, colleague).await?.ok_or(Error::NotFound)?;
    let deed = Deed::of(DeedKind::ResetFactors).subject(colleague.0);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    factors::remove_apps(&mut tx, &receipt, colleague).await?;
    passkeys::remove_all(&mut tx, &receipt, colleague).await?;
    factors::replace_recovery_codes(&mut tx, &receipt, colleague, &[], now).await?;
    tell(&mut tx, &receipt, colleague, None, now).await?;
    tx.commit().await
}

/// The same for the login of an e-mail address: the operator's way, when an organization's only admin is locked out.
///
/// # Errors
/// As `reset`.
pub async fn reset_by_address(app: &App, actor: &Actor, email: &str) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let login = staff::login(&mut tx, email.trim()).await?;
    drop(tx);
    let unknown = || Error::Invalid("email: nobody of this organization signs in with this address".to_owned());
    reset(app, actor, login.ok_or_else(unknown)?.id).await
}

fn only_admins(actor: &Actor) -> Result<(), Error> {
    match actor.who {
        Who::Operator | Who::Staff { role: Role::Admin, .. } => Ok(()),
        Who::Staff { .. } | Who::Careline | Who::Carrier | Who::Visitor => Err(Error::Forbidden),
    }
}
