//! Authenticator apps and recovery codes.

use super::{Added, Enrolment, Person, WAITING, added, address, codes_for_first, fresh_codes, may_go, tell};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        factor::Factor,
        ids::AppId,
        private::Private,
        totp,
    },
    error::Error,
    factors::place,
    store::{
        audit::{self, Receipt},
        factors,
    },
};

/// Makes a secret and shows it; it counts once a code of it was typed.
///
/// # Errors
/// When the keys or the database are away.
pub async fn propose_app(app: &App, person: &Person<'_>) -> Result<Enrolment, Error> {
    let who = person.staff()?;
    let now = app.clock.now();
    let id = AppId::at(now);
    let secret = Private::new(rand::random::<[u8; totp::SECRET_BYTES]>().to_vec());
    let sealed = app.vault.seal(place(person.actor.org, id), &secret).await?;
    let email = address(app, person).await?;
    let mut tx = app.db.begin(person.actor).await?;
    let deed = Deed::of(DeedKind::ProposedFactor).subject(id.0).with("factor", Factor::AuthenticatorApp.word());
    let receipt = audit::record(&mut tx, person.actor, &deed, now).await?;
    factors::propose_app(&mut tx, &receipt, who, id, &sealed, now).await?;
    tx.commit().await?;
    totp::enrolment(&secret, person.organization, email.reveal())
        .ok_or_else(|| Error::Fault("a secret of an app could not be shown".to_owned()))
}

/// The secret that waits for its first code, shown again after a wrong one.
///
/// # Errors
/// `Conflict` when none waits any more.
pub async fn proposed(app: &App, person: &Person<'_>) -> Result<Enrolment, Error> {
    let (_, secret) = waiting(app, person).await?;
    let email = address(app, person).await?;
    totp::enrolment(&secret, person.organization, email.reveal())
        .ok_or_else(|| Error::Fault("a secret of an app could not be shown".to_owned()))
}

/// Puts the proposed app in force, by a code it shows now.
///
/// # Errors
/// `Invalid` for a wrong code; `Conflict` when no app waits any more.
pub async fn confirm_app(app: &App, person: &Person<'_>, typed: &str) -> Result<Added, Error> {
    let who = person.staff()?;
    let now = app.clock.now();
    let (id, secret) = waiting(app, person).await?;
    let Some(step) = totp::step_of(&secret, typed, now) else {
        return Err(Error::Invalid(
            "this code does not fit. Wait for the next one in the app and type its six digits; if it is wrong again, \
             check that the telephone sets its clock by itself"
                .to_owned(),
        ));
    };
    let codes = codes_for_first(app, person).await?;
    let mut tx = app.db.begin(person.actor).await?;
    let receipt = added(app, &mut tx, person, Factor::AuthenticatorApp, id.0, codes.as_ref()).await?;
    factors::confirm_app(&mut tx, &receipt, who, id, step, now).await?;
    tx.commit().await?;
    Ok(Added { codes: codes.map(|codes| codes.shown).unwrap_or_default() })
}

/// Removes the app in force.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it is the last factor of somebody who must have one.
pub async fn remove_app(app: &App, person: &Person<'_>) -> Result<(), Error> {
    let who = person.staff()?;
    let now = app.clock.now();
    let mut tx = app.db.begin(person.actor).await?;
    let deed = Deed::of(DeedKind::RemovedFactor).subject(who.0).with("factor", Factor::AuthenticatorApp.word());
    let receipt = audit::record(&mut tx, person.actor, &deed, now).await?;
    if !factors::remove_apps(&mut tx, &receipt, who).await? {
        return Err(Error::NotFound);
    }
    may_go(factors::policy(&mut tx).await?, factors::held(&mut tx, who).await?)?;
    tell(&mut tx, &receipt, who, Some(person.session), now).await?;
    tx.commit().await
}

/// Makes ten new recovery codes, shown once; earlier ones are void.
///
/// # Errors
/// `Conflict` for somebody who has no factor that a code could stand in for.
pub async fn renew_codes(app: &App, person: &Person<'_>) -> Result<Added, Error> {
    let who = person.staff()?;
    let now = app.clock.now();
    let codes = fresh_codes(app, person.actor.org, who).await?;
    let mut tx = app.db.begin(person.actor).await?;
    if !factors::held(&mut tx, who).await?.any() {
        return Err(Error::Conflict("add an app or a passkey first; recovery codes stand in for one".to_owned()));
    }
    let deed = Deed::of(DeedKind::RenewedRecoveryCodes).subject(who.0).with("codes", codes.marks.len());
    let receipt: Receipt = audit::record(&mut tx, person.actor, &deed, now).await?;
    factors::replace_recovery_codes(&mut tx, &receipt, who, &codes.marks, now).await?;
    tell(&mut tx, &receipt, who, Some(person.session), now).await?;
    tx.commit().await?;
    Ok(Added { codes: codes.shown })
}

async fn waiting(app: &App, person: &Person<'_>) -> Result<(AppId, Private<Vec<u8>>), Error> {
    let mut tx = app.db.begin(person.actor).await?;
    let proposed = factors::proposed_app(&mut tx, person.staff()?, app.clock.now() - WAITING).await?;
    drop(tx);
    let proposed = proposed.ok_or_else(|| {
        Error::Conflict("no app waits for a code any more; choose `Add an authenticator app` again".to_owned())
    })?;
    let secret = app.vault.open(place(person.actor.org, proposed.id), &proposed.secret).await?;
    Ok((proposed.id, secret))
}
