//! A person's passkeys: added by the browser's own ceremony, named, removed.

use super::{Added, Person, WAITING, added, address, codes_for_first, may_go, tell};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        factor::Factor,
        ids::{CeremonyId, PasskeyId},
        passkey::{Refusal, RelyingParty},
    },
    error::Error,
    store::{
        audit::{self, Receipt},
        factors,
        passkeys::{self, CeremonyPurpose},
    },
};
use serde_json::Value;

/// What the browser is asked.
pub struct PasskeyChallenge {
    /// Names the challenge in the answer.
    pub ceremony: CeremonyId,
    /// Options for `navigator.credentials`.
    pub options: Value,
}

/// What the browser answered.
pub struct PasskeyReply<'a> {
    /// The challenge it answers.
    pub ceremony: CeremonyId,
    /// The JSON of its `PublicKeyCredential`.
    pub answer: &'a str,
    /// What the owner calls this passkey.
    pub name: &'a str,
}

/// Asks the browser for a new passkey; one that holds a passkey of this person already declines.
///
/// # Errors
/// `Conflict` when there can be no passkeys at this address.
pub async fn begin_passkey(app: &App, person: &Person<'_>) -> Result<PasskeyChallenge, Error> {
    let who = person.staff()?;
    let now = app.clock.now();
    let party = RelyingParty::of(&app.settings.public_url).map_err(|why| Error::Conflict(why.to_string()))?;
    let email = address(app, person).await?;
    let mut tx = app.db.begin(person.actor).await?;
    let known: Vec<Vec<u8>> =
        passkeys::of_staff(&mut tx, who).await?.into_iter().map(|passkey| passkey.credential_id).collect();
    let challenge = party
        .register(who, email.reveal(), person.full_name, &known)
        .map_err(|_| Error::Fault("a passkey could not be asked for".to_owned()))?;
    let ceremony = CeremonyId::at(now);
    let purpose = CeremonyPurpose::Register;
    passkeys::keep_challenge(&mut tx, ceremony, purpose, Some(who), &challenge.state, now, now + WAITING).await?;
    tx.commit().await?;
    Ok(PasskeyChallenge { ceremony, options: challenge.options })
}

/// Adds the passkey of an answer. A challenge is taken by its first answer, right or wrong.
///
/// # Errors
/// `Invalid` with what to do, for an answer that proves nothing; `Conflict` for a passkey that is registered already.
pub async fn add_passkey(app: &App, person: &Person<'_>, reply: &PasskeyReply<'_>) -> Result<Added, Error> {
    let who = person.staff()?;
    let now = app.clock.now();
    let name = faultless_name(reply.name)?;
    let party = RelyingParty::of(&app.settings.public_url).map_err(|why| Error::Conflict(why.to_string()))?;
    let mut tx = app.db.begin(person.actor).await?;
    let state = passkeys::take_challenge(&mut tx, reply.ceremony, CeremonyPurpose::Register, Some(who), now).await?;
    let registered = state.map_or(Err(Refusal::Wrong), |state| party.registered(state, reply.answer));
    let credential = match registered {
        Ok(credential) => credential,
        Err(refusal) => {
            let deed = Deed::of(DeedKind::FactorRefused).subject(who.0).with("factor", Factor::Passkey.word());
            let deed = deed.with("cause", refusal.word());
            let _receipt: Receipt = audit::record(&mut tx, person.actor, &deed, now).await?;
            tx.commit().await?;
            return Err(Error::Invalid(words_of(refusal).to_owned()));
        }
    };
    tx.commit().await?;
    let codes = codes_for_first(app, person).await?;
    let id = PasskeyId::at(now);
    let mut tx = app.db.begin(person.actor).await?;
    let receipt = added(app, &mut tx, person, Factor::Passkey, id.0, codes.as_ref()).await?;
    passkeys::add(&mut tx, &receipt, id, who, name, &credential, now).await?;
    tx.commit().await?;
    Ok(Added { codes: codes.map(|codes| codes.shown).unwrap_or_default() })
}

/// Removes one.
///
/// # Errors
/// `NotFound` when it is not this person's; `Conflict` when it is the last factor of somebody who must have one.
pub async fn remove_passkey(app: &App, person: &Person<'_>, id: PasskeyId) -> Result<(), Error> {
    let who = person.staff()?;
    let now = app.clock.now();
    let mut tx = app.db.begin(person.actor).await?;
    let deed = Deed::of(DeedKind::RemovedFactor).subject(id.0).with("factor", Factor::Passkey.word());
    let receipt = audit::record(&mut tx, person.actor, &deed, now).await?;
    if !passkeys::remove(&mut tx, &receipt, who, id).await? {
        return Err(Error::NotFound);
    }
    may_go(factors::policy(&mut tx).await?, factors::held(&mut tx, who).await?)?;
    tell(&mut tx, &receipt, who, Some(person.session), now).await?;
    tx.commit().await
}

fn faultless_name(typed: &str) -> Result<&str, Error> {
    let name = typed.trim();
    if name.is_empty() || name.chars().count() > 60 || name.contains(char::is_control) {
        return Err(Error::Invalid("name the passkey in 1 to 60 characters, such as `ward laptop`".to_owned()));
    }
    Ok(name)
}

const fn words_of(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Wrong | Refusal::Regressed => {
            "this passkey could not be added: the question it answers is older than five minutes or was answered \
             before. Press `Add a passkey` again"
        }
        Refusal::Unverified => {
            "this device did not check that it is you. Set up its PIN, fingerprint or face first, then add it again"
        }
    }
}
