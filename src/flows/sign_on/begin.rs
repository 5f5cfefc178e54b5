//! Somebody is sent on their way; what must fit when they come back is kept.

use super::{awry, packed, place_of_secrets, provider};
pub use crate::ports::sign_on::Asking;
use crate::{
    app::App,
    domain::{
        ids::SignOnId,
        people::{Actor, Who},
        private::Private,
        session::Token,
        sign_on::host_of,
    },
    error::Error,
    store::sign_on::{self as kept, Attempt},
};
use chrono::TimeDelta;

/// How long somebody may be away.
const AWAY: TimeDelta = TimeDelta::minutes(10);
/// What everybody reads where there is nothing to sign in with.
const NOT_HERE: &str =
    "There is no single sign-on under this code. Check the code, or sign in with e-mail and password.";

/// Somebody on their way.
pub struct Begun {
    /// Where their browser goes.
    pub url: Private<String>,
    /// The provider's host, for the button.
    pub host: String,
    /// The cookie that binds what comes back to this browser.
    pub browser: Private<String>,
}

/// Sends somebody on their way. `wish` is a path of our own; `asking` is whether they must prove anew who they are.
///
/// # Errors
/// `Invalid` with one text for an unknown organization and for one without a provider; `Invalid` when the provider is
/// not what it was; an outage when it cannot be reached.
pub async fn begin(app: &App, org_code: &str, wish: &str, asking: Asking) -> Result<Begun, Error> {
    let not_here = || Error::Invalid(NOT_HERE.to_owned());
    let org = app.db.organization(org_code).await?.ok_or_else(not_here)?;
    let actor = Actor { org, who: Who::Visitor };
    let trusted = {
        let mut tx = app.db.begin(&actor).await?;
        kept::read(&mut tx).await?.ok_or_else(not_here)?
    };
    let now = app.clock.now();
    let provider = provider(app, org, &trusted).await?;
    let (state, browser) = (Token::of(org, rand::random()), Token::of(org, rand::random()));
    let departure = app.sign_on.depart(&provider, &state.text(), asking, now).await.map_err(awry)?;
    let id = SignOnId::at(now);
    let attempt = Attempt {
        id,
        state_hash: state.hash(),
        browser_hash: browser.hash(),
        issuer: trusted.issuer.clone(),
        secrets: app.vault.seal(place_of_secrets(org, id), &packed(&departure.secrets)).await?,
        wish: wish.to_owned(),
        expires_at: now + AWAY,
    };
    let mut tx = app.db.begin(&actor).await?;
    kept::set_out(&mut tx, &attempt, now).await?;
    tx.commit().await?;
    let host = host_of(&trusted.issuer).to_owned();
    Ok(Begun { url: Private::new(departure.url), host, browser: Private::new(browser.text()) })
}
