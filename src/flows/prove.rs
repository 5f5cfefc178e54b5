//! Proving again who one is, before something sensitive: the password once more. The session goes on under a new cookie.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::SessionId,
        ladder::Try,
        people::Actor,
        private::Private,
        session::Token,
    },
    error::Error,
    ports::keys::Purpose,
    store::{audit, ladders, sessions, staff},
};

/// What somebody reads whose password is not theirs.
const REFUSED: &str = "this is not your password; try again";
/// What somebody reads who tried too often.
const LOCKED: &str = "there were too many tries; wait some minutes and try again";

/// Compares the password of the signed-in person; returns the new value of their session's cookie. The old one opens
/// nothing any more.
///
/// # Errors
/// `Invalid` for a wrong password and after too many; `SignedOut` for nobody.
pub async fn by_password(
    app: &App,
    actor: &Actor,
    session: SessionId,
    password: &Private<String>,
) -> Result<String, Error> {
    let staff = actor.staff_id().ok_or(Error::SignedOut)?;
    let place = app.passwords.queue()?;
    let now = app.clock.now();
    let what = format!("session:{session}");
    let rung = app.vault.keys().mark(Purpose::Lookup, actor.org, None, what.as_bytes()).await?.bytes;
    let mut tx = app.db.begin(actor).await?;
    let own = staff::own_password(&mut tx, staff).await?;
    let tried = ladders::climb(&mut tx, &rung, now).await?;
    tx.commit().await?;
    let right = match tried {
        Try::Open(_) => app.passwords.matches(&place, actor.org, password, &own.stored).await?,
        Try::Locked(_) => false,
    };
    let mut tx = app.db.begin(actor).await?;
    if !right {
        let deed = Deed::of(DeedKind::ProofRefused).subject(session.0);
        let _receipt = audit::record(&mut tx, actor, &deed, now).await?;
        tx.commit().await?;
        let words = if matches!(tried, Try::Locked(_)) { LOCKED } else { REFUSED };
        return Err(Error::Invalid(words.to_owned()));
    }
    let token = Token::of(actor.org, rand::random());
    let deed = Deed::of(DeedKind::ProvedAgain).subject(session.0).with("by", "password");
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    sessions::prove(&mut tx, &receipt, session, &token.hash(), now).await?;
    ladders::step_down(&mut tx, &receipt, &rung).await?;
    tx.commit().await?;
    Ok(token.text())
}
