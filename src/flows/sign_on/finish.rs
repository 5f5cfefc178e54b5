//! Somebody comes back: once, in time, in the browser that set out, from the provider it went to, with a token that holds.

use super::{admission, awry, place_of_secrets, provider, unpacked};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        factor::BegunBy,
        ids::{OrgId, SessionId},
        people::{Actor, Who},
        private::Private,
        session::{Device, Token, longest},
        sign_on::Person,
    },
    error::Error,
    ports::sign_on::Arrival,
    store::{
        audit::{self, Receipt},
        sessions::{self, NewSession},
        sign_on::{self as kept, Attempt, SignOn},
    },
};
use chrono::TimeDelta;
use subtle::ConstantTimeEq;

/// What everybody reads whose return does not hold, whatever it was.
const REFUSED: &str = "This sign-in could not be completed. Begin again here; if it fails again, ask an administrator \
                       whether your account at the provider belongs to a group of Careline.";

/// How far a provider's clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(2);

/// What a provider sends back with somebody.
pub struct Return<'a> {
    /// The state they set out with.
    pub state: &'a str,
    /// The code, unless the provider refused them.
    pub code: Option<&'a str>,
    /// Who the provider says it is, when it says so (RFC 9207).
    pub issuer: Option<&'a str>,
    /// The cookie of the browser that set out.
    pub browser: Option<&'a str>,
    /// The browser's family.
    pub device: Device,
}

/// Somebody let in.
pub struct Entered {
    /// The value of the session's cookie.
    pub session: Private<String>,
    /// The path they wanted.
    pub wish: String,
}

/// Lets somebody in who came back.
///
/// # Errors
/// `Invalid` with one text, whatever does not hold; the record says what it was.
pub async fn finish(app: &App, back: &Return<'_>) -> Result<Entered, Error> {
    let refused = || Error::Invalid(REFUSED.to_owned());
    let state = Token::read(back.state).ok_or_else(refused)?;
    let (org, now) = (state.org, app.clock.now());
    let visitor = Actor { org, who: Who::Visitor };
    // Taken before anything is looked at, and for good: what comes twice finds nothing.
    let (attempt, trusted) = {
        let mut tx = app.db.begin(&visitor).await?;
        let attempt = kept::take(&mut tx, &state.hash()).await?;
        let trusted = kept::read(&mut tx).await?;
        tx.commit().await?;
        (attempt, trusted)
    };
    // A state nobody set out with is a stranger's: nothing is recorded, or strangers would fill the record.
    let (attempt, trusted) = attempt.zip(trusted).ok_or_else(refused)?;
    let doubt = doubt_of_return(back, &attempt, &trusted, now >= attempt.expires_at);
    let (Some(code), None) = (back.code, doubt) else {
        return refuse(app, org, doubt.unwrap_or("refused_there")).await;
    };
    let secrets = unpacked(&app.vault.open(place_of_secrets(org, attempt.id), &attempt.secrets).await?)?;
    let provider = provider(app, org, &trusted).await?;
    match app.sign_on.arrive(&provider, &secrets, code, now).await.map_err(awry)? {
        Arrival::Refused(doubt) => refuse(app, org, doubt.word()).await,
        Arrival::Proven(person) => enter(app, org, &person, &trusted, &attempt, back.device).await,
    }
}

/// Why what came back does not belong to what set out.
fn doubt_of_return(back: &Return<'_>, attempt: &Attempt, trusted: &SignOn, late: bool) -> Option<&'static str> {
    let browser = back.browser.and_then(Token::read).map(|token| token.hash()).unwrap_or_default();
    if !bool::from(browser.ct_eq(&attempt.browser_hash)) {
        return Some("other_browser");
    }
    if late {
        return Some("late");
    }
    if attempt.issuer != trusted.issuer || back.issuer.is_some_and(|issuer| issuer != attempt.issuer) {
        return Some("other_provider");
    }
    None
}

async fn enter(
    app: &App,
    org: OrgId,
    person: &Person,
    trusted: &SignOn,
    attempt: &Attempt,
    device: Device,
) -> Result<Entered, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor::careline(org)).await?;
    let admitted = match admission::admit(&mut tx, person, trusted, now).await? {
        Ok(admitted) => admitted,
        Err(doubt) => {
            // What the lost groups ended stays ended.
            tx.commit().await?;
            return refuse(app, org, doubt).await;
        }
    };
    let actor = Actor::staff(org, admitted.staff, admitted.role);
    let token = Token::of(org, rand::random());
    let session = NewSession {
        id: SessionId::at(now),
        staff: admitted.staff,
        token_hash: token.hash(),
        expires_at: now + longest(admitted.role),
        device,
        by: BegunBy::SingleSignOn,
    };
    let deed = Deed::of(DeedKind::SignedIn)
        .subject(session.id.0)
        .with("device", device.word())
        .with("by", BegunBy::SingleSignOn.word());
    let receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    sessions::begin(&mut tx, &receipt, &session, now).await?;
    // The provider may have known them from this morning; that is no proof for what wants a fresh one.
    let proven_at = person.proven_at.filter(|at| *at <= now + AHEAD).map(|at| at.min(now));
    sessions::proven_there(&mut tx, &receipt, session.id, proven_at).await?;
    tx.commit().await?;
    Ok(Entered { session: Private::new(token.text()), wish: attempt.wish.clone() })
}

async fn refuse(app: &App, org: OrgId, why: &'static str) -> Result<Entered, Error> {
    let actor = Actor { org, who: Who::Visitor };
    let deed = Deed::of(DeedKind::SignInRefused).with("why", why).with("by", "single_sign_on");
    let mut tx = app.db.begin(&actor).await?;
    let _receipt: Receipt = audit::record(&mut tx, &actor, &deed, app.clock.now()).await?;
    tx.commit().await?;
    Err(Error::Invalid(REFUSED.to_owned()))
}
