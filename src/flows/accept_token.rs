//! Who a program is, that shows a token: its owner, in the owner's present role, for the token's scopes.

use crate::{
    app::App,
    domain::{
        api_token::{self, Scope},
        people::{Actor, Who},
    },
    error::Error,
    store::tokens,
};
use chrono::TimeDelta;
pub use tokens::Bearer;

/// How often the use of a token is written down.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Whether a token opens a door that needs a scope.
pub enum Reach {
    /// It does.
    Within(Actor, Bearer),
    /// It lives, but is not for this.
    Beyond,
}

/// The program behind a token, at a door that needs `scope`; a door without one is open to no token.
///
/// # Errors
/// `SignedOut` when there is no such token, it expired or was revoked, or its owner's login is closed.
pub async fn accept(app: &App, text: &str, scope: Option<Scope>) -> Result<Reach, Error> {
    let (org, hash) = api_token::parse(text).ok_or(Error::SignedOut)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let bearer = tokens::bearer(&mut tx, &hash, now).await?.ok_or(Error::SignedOut)?;
    if !scope.is_some_and(|scope| bearer.scopes.contains(&scope)) {
        return Ok(Reach::Beyond);
    }
    if bearer.used_at.is_none_or(|used| now - used >= TOUCH_EVERY) {
        tokens::touch(&mut tx, bearer.id, now).await?;
        tx.commit().await?;
    }
    Ok(Reach::Within(Actor::program(org, bearer.staff, bearer.role, bearer.id), bearer))
}
