//! A staff member's tokens for programs: made, listed, revoked. Only a person at a screen makes one; a token never makes
//! another.

use crate::{
    app::App,
    domain::{
        api_token::{self, LONGEST_DAYS, LONGEST_NAME, MOST, Scope},
        audit::{Deed, DeedKind},
        ids::{StaffId, TokenId},
        people::{Actor, Who},
        private::Private,
    },
    error::Error,
    store::{audit, tokens},
};
pub use tokens::Token;

/// A token as its owner asks for it.
pub struct Wanted {
    /// What they call it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// How many days it lasts.
    pub days: i64,
}

/// A token that was just made: the only moment its text exists.
pub struct Made {
    /// Its id.
    pub id: TokenId,
    /// Its text, shown once.
    pub text: Private<String>,
}

/// Makes a token for the actor's own use.
///
/// # Errors
/// `Forbidden` for everybody but a person at a screen; `Invalid` naming every fault.
pub async fn make(app: &App, actor: &Actor, wanted: Wanted) -> Result<Made, Error> {
    let staff = person(actor)?;
    let now = app.clock.now();
    let name = wanted.name.trim().to_owned();
    let lifetime = api_token::lifetime(wanted.days);
    let mut scopes = wanted.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let faults: Vec<String> = [
        (!(1..=LONGEST_NAME).contains(&name.chars().count()) || name.contains(char::is_control))
            .then(|| format!("name: write 1 to {LONGEST_NAME} characters that say what uses it")),
        scopes.is_empty().then(|| "scopes: choose at least one".to_owned()),
        lifetime.is_none().then(|| format!("days: write 1 to {LONGEST_DAYS}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let Some(lifetime) = lifetime.filter(|_| faults.is_empty()) else { return Err(Error::Invalid(faults.join("; "))) };
    let text = api_token::text(actor.org, rand::random());
    let (_, hash) = api_token::parse(&text).ok_or_else(|| Error::Fault("a new token cannot be read".to_owned()))?;
    let token = tokens::NewToken { id: TokenId::at(now), staff, name, hash, scopes, expires_at: now + lifetime };
    let words: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
    let deed =
        Deed::of(DeedKind::MadeToken).subject(token.id.0).with("scopes", words.join(" ")).with("days", wanted.days);
    let mut tx = app.db.begin(actor).await?;
    if tokens::of_staff(&mut tx, staff, now).await?.len() >= MOST {
        return Err(Error::Invalid(format!("you have {MOST} tokens; revoke one that is no longer used")));
    }
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    tokens::add(&mut tx, &receipt, &token, now).await?;
    tx.commit().await?;
    Ok(Made { id: token.id, text: Private::new(text) })
}

/// The actor's own living tokens, newest first.
///
/// # Errors
/// `Forbidden` for everybody but a person at a screen.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Token>, Error> {
    let staff = person(actor)?;
    let mut tx = app.db.begin(actor).await?;
    tokens::of_staff(&mut tx, staff, app.clock.now()).await
}

/// Revokes one of the actor's own tokens; the next request by it is refused.
///
/// # Errors
/// `Forbidden` for everybody but a person at a screen; `NotFound` when it is not theirs or was revoked before.
pub async fn revoke(app: &App, actor: &Actor, token: TokenId) -> Result<(), Error> {
    let staff = person(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::RevokedToken).subject(token.0), now).await?;
    tokens::revoke(&mut tx, &receipt, staff, token, now).await?;
    tx.commit().await
}

/// The person at a screen.
fn person(actor: &Actor) -> Result<StaffId, Error> {
    match actor.who {
        Who::Staff { id, token: None, .. } => Ok(id),
        Who::Staff { token: Some(_), .. } | Who::Careline | Who::Carrier | Who::Operator | Who::Visitor => {
            Err(Error::Forbidden)
        }
    }
}
