//! Proving again who one is, before something sensitive: the password once more, with a code for
//! who has a second factor; or a passkey, which is both. The session goes on under a new cookie.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        factor::Factor,
        ids::SessionId,
        ladder::Try,
        people::Actor,
        private::Private,
        session::Token,
    },
    error::Error,
    factors::{self as checks, Guess},
    ports::keys::Purpose,
    store::{
        OrgTx,
        audit::{self, Receipt},
        factors, ladders,
        passkeys::CeremonyPurpose,
        sessions, staff,
    },
};
pub use crate::{
    factors::{Question, Reply},
    store::factors::Held,
};
use chrono::{DateTime, Utc};

/// What somebody reads whose password is not theirs.
const REFUSED: &str = "this password or code is wrong, or the code was used before; try again";
/// What somebody reads who tried too often.
const LOCKED: &str = "there were too many tries; wait some minutes and try again";

/// What somebody typed.
pub struct Typed {
    /// The password.
    pub password: Private<String>,
    /// A code of their app, or a recovery code; empty for who has no second factor.
    pub code: Private<String>,
}

/// Which factors the signed-in person has beside the password.
///
/// # Errors
/// `SignedOut` for nobody.
pub async fn wanted(app: &App, actor: &Actor) -> Result<Held, Error> {
    let who = actor.staff_id().ok_or(Error::SignedOut)?;
    let mut tx = app.db.begin(actor).await?;
    factors::held(&mut tx, who).await
}

/// Compares the password, and the code of who has a second factor; returns the new value of the session's cookie. The old
/// one opens nothing any more.
///
/// # Errors
/// `Invalid` for a wrong password or code and after too many; `SignedOut` for nobody.
pub async fn by_password(app: &App, actor: &Actor, session: SessionId, typed: &Typed) -> Result<String, Error> {
    let who = actor.staff_id().ok_or(Error::SignedOut)?;
    let place = app.passwords.queue()?;
    let now = app.clock.now();
    let what = format!("session:{session}");
    let rung = app.vault.keys().mark(Purpose::Lookup, actor.org, None, what.as_bytes()).await?.bytes;
    let mut tx = app.db.begin(actor).await?;
    let own = staff::own_password(&mut tx, who).await?;
    let held = factors::held(&mut tx, who).await?;
    let tried = ladders::climb(&mut tx, &rung, now).await?;
    tx.commit().await?;
    let right = match tried {
        Try::Open(_) => app.passwords.matches(&place, actor.org, &typed.password, &own.stored).await?,
        Try::Locked(_) => false,
    };
    let guess = if right && held.any() {
        checks::examine(&app.db, &app.vault, actor, who, typed.code.reveal(), now).await?
    } else {
        Guess::Nothing
    };
    let mut tx = app.db.begin(actor).await?;
    let factor = checks::spend(&mut tx, who, &guess, now).await?;
    if !right || (held.any() && factor.is_none()) {
        refuse(&mut tx, actor, session, "wrong", now).await?;
        tx.commit().await?;
        let words = if matches!(tried, Try::Locked(_)) { LOCKED } else { REFUSED };
        return Err(Error::Invalid(words.to_owned()));
    }
    go_on(tx, actor, session, &rung, factor.map_or("password", Factor::word), now).await
}

/// Asks the signed-in person's browser for one of their passkeys.
///
/// # Errors
/// `Conflict` when there can be no passkeys at this address.
pub async fn ask(app: &App, actor: &Actor) -> Result<Question, Error> {
    let who = actor.staff_id().ok_or(Error::SignedOut)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let question = checks::ask(&mut tx, &app.settings.public_url, CeremonyPurpose::Prove, Some(who), now).await?;
    tx.commit().await?;
    Ok(question)
}

/// Reads the answer; returns the new value of the session's cookie.
///
/// # Errors
/// `Invalid` when it proves nothing; `SignedOut` for nobody.
pub async fn by_passkey(app: &App, actor: &Actor, session: SessionId, reply: Reply<'_>) -> Result<String, Error> {
    let who = actor.staff_id().ok_or(Error::SignedOut)?;
    let now = app.clock.now();
    let what = format!("session:{session}");
    let rung = app.vault.keys().mark(Purpose::Lookup, actor.org, None, what.as_bytes()).await?.bytes;
    let mut tx = app.db.begin(actor).await?;
    let url = &app.settings.public_url;
    match checks::read(&mut tx, url, CeremonyPurpose::Prove, Some(who), reply, now).await? {
        Ok(_) => go_on(tx, actor, session, &rung, Factor::Passkey.word(), now).await,
        Err(unproven) => {
            refuse(&mut tx, actor, session, unproven.refusal.word(), now).await?;
            tx.commit().await?;
            Err(Error::Invalid("this passkey did not prove you; try again, or type your password".to_owned()))
        }
    }
}

async fn refuse(
    tx: &mut OrgTx,
    actor: &Actor,
    session: SessionId,
    cause: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = Deed::of(DeedKind::ProofRefused).subject(session.0).with("cause", cause);
    let _receipt: Receipt = audit::record(tx, actor, &deed, now).await?;
    Ok(())
}

async fn go_on(
    mut tx: OrgTx,
    actor: &Actor,
    session: SessionId,
    rung: &[u8],
    by: &str,
    now: DateTime<Utc>,
) -> Result<String, Error> {
    let token = Token::of(actor.org, rand::random());
    let deed = Deed::of(DeedKind::ProvedAgain).subject(session.0).with("by", by);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    sessions::prove(&mut tx, &receipt, session, &token.hash(), now).await?;
    if by != "password" {
        sessions::strengthen(&mut tx, &receipt, session).await?;
    }
    ladders::step_down(&mut tx, &receipt, rung).await?;
    tx.commit().await?;
    Ok(token.text())
}
