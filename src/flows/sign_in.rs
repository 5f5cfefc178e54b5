//! Signing in, being recognized and signing out. Sessions live on the server; a cookie names one, and only the hash of
//! what is in it is kept.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{OrgId, SessionId, StaffId},
        password,
        people::{Actor, Role, Who},
        private::Private,
    },
    error::Error,
    ports::{Outage, OutageKind},
    store::{
        audit::{self, Receipt},
        staff,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// A session ends after so long without use.
const IDLE: TimeDelta = TimeDelta::minutes(60);
/// A session ends after one shift, however much it is used.
const SHIFT: TimeDelta = TimeDelta::hours(12);
/// How often the use of a session is written down.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);
/// What everybody reads who may not come in, whichever of the three was wrong.
const REFUSED: &str = "Organization, e-mail or password is wrong. Nothing was lost; try again.";

/// Passwords hashed at once: each takes 64 MiB and a fifth of a second of one core.
static HASHING: Semaphore = Semaphore::const_new(2);
/// Passwords hashed or waiting for it; more are turned away at once.
static WAITING: Semaphore = Semaphore::const_new(18);

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who acts, in which organization, with which role.
    pub actor: Actor,
    /// Their session; none for a program that shows a token.
    pub session: Option<SessionId>,
    /// Their name.
    pub full_name: String,
    /// Their organization's name.
    pub org_name: String,
    /// Their organization's code.
    pub org_code: String,
}

/// Begins a session; returns the value of its cookie.
///
/// # Errors
/// `Invalid` with one text for an unknown organization, an unknown e-mail address and a wrong password.
pub async fn sign_in(app: &App, org_code: &str, email: &str, password: &str) -> Result<String, Error> {
    let organizations = app.db.organizations().await?;
    let org = organizations.into_iter().find(|(_, code)| code == org_code).map(|(org, _)| org);
    let login = match org {
        Some(org) => known_login(app, org, email).await?,
        None => None,
    };
    let stored = login.as_ref().map_or_else(|| password::NOBODYS.to_owned(), |login| login.password_hash.clone());
    let matches = check(Private::new(password.to_owned()), stored).await?;
    let Some(org) = org else { return Err(Error::Invalid(REFUSED.to_owned())) };
    match login {
        Some(login) if matches => begin(app, org, login.id, login.role).await,
        Some(login) => refuse(app, org, Some(login.id)).await,
        None => refuse(app, org, None).await,
    }
}

/// The person behind a cookie's value.
///
/// # Errors
/// `SignedOut` when there is no such session, or it is over.
pub async fn whoami(app: &App, cookie: &str) -> Result<Identity, Error> {
    let (org, token_hash) = parse(cookie).ok_or(Error::SignedOut)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let session = staff::session(&mut tx, &token_hash).await?.ok_or(Error::SignedOut)?;
    if is_over(&session, now) {
        return Err(Error::SignedOut);
    }
    if now - session.seen_at >= TOUCH_EVERY {
        staff::touch_session(&mut tx, session.id, now).await?;
        tx.commit().await?;
    }
    Ok(Identity {
        actor: Actor::staff(org, session.staff, session.role),
        session: Some(session.id),
        full_name: session.full_name,
        org_name: session.org_name,
        org_code: session.org_code,
    })
}

/// Ends the session behind a cookie's value, on the server. One that is over already stays over.
///
/// # Errors
/// When the database is away.
pub async fn sign_out(app: &App, cookie: &str) -> Result<(), Error> {
    let Some((org, token_hash)) = parse(cookie) else { return Ok(()) };
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let Some(session) = staff::session(&mut tx, &token_hash).await? else { return Ok(()) };
    let actor = Actor::staff(org, session.staff, session.role);
    let deed = Deed::of(DeedKind::SignedOut).subject(session.id.0);
    let receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    staff::end_session(&mut tx, &receipt, session.id, now).await?;
    tx.commit().await
}

async fn known_login(app: &App, org: OrgId, email: &str) -> Result<Option<staff::Login>, Error> {
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    staff::login(&mut tx, email).await
}

/// Compares beside the async work, two at a time, with a short queue.
async fn check(password: Private<String>, stored: String) -> Result<bool, Error> {
    let busy = |_| Error::Outage(Outage { dependency: "sign-in", kind: OutageKind::Throttled });
    let _place = WAITING.try_acquire().map_err(busy)?;
    let _turn = HASHING.acquire().await.map_err(|_| Error::Fault("the password queue is closed".to_owned()))?;
    tokio::task::spawn_blocking(move || password::matches(&password, &stored))
        .await
        .map_err(|_| Error::Fault("a password could not be checked".to_owned()))
}

async fn begin(app: &App, org: OrgId, who: StaffId, role: Role) -> Result<String, Error> {
    let now = app.clock.now();
    let actor = Actor::staff(org, who, role);
    let session = SessionId::at(now);
    let token = hex::encode(rand::random::<[u8; 32]>());
    let mut tx = app.db.begin(&actor).await?;
    let deed = Deed::of(DeedKind::SignedIn).subject(session.0);
    let receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    staff::begin_session(&mut tx, &receipt, session, who, &hash(&token), now, now + SHIFT).await?;
    tx.commit().await?;
    Ok(format!("{org}.{token}"))
}

async fn refuse(app: &App, org: OrgId, login: Option<StaffId>) -> Result<String, Error> {
    let actor = Actor { org, who: Who::Visitor };
    let mut deed = Deed::of(DeedKind::SignInRefused);
    deed.subject = login.map(|login| login.0);
    let mut tx = app.db.begin(&actor).await?;
    let _receipt: Receipt = audit::record(&mut tx, &actor, &deed, app.clock.now()).await?;
    tx.commit().await?;
    Err(Error::Invalid(REFUSED.to_owned()))
}

fn is_over(session: &staff::Session, now: DateTime<Utc>) -> bool {
    now >= session.expires_at || now - session.seen_at >= IDLE
}

/// The organization and the token's hash of a cookie's value.
fn parse(cookie: &str) -> Option<(OrgId, Vec<u8>)> {
    let (org, token) = cookie.split_once('.')?;
    let plausible = token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    plausible.then(|| Some((org.parse().ok()?, hash(token))))?
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
