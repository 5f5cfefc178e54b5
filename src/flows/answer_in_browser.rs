//! A nurse answers in the browser: she or an admin chooses it, her page is given a short pass to be rung with, and says while
//! it can ring. The pass opens nothing else and cannot dial.

pub use crate::domain::line::ReachedBy;

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        credential::{BrowserKey, CredentialKind, place},
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    store::{audit::record, browser_lines, credentials},
};

/// What a page needs to be rung.
pub struct BrowserPass {
    /// The carrier's token: bearer of one identity, for some minutes.
    pub token: Private<String>,
    /// How long it lasts, in seconds.
    pub lasts_seconds: i64,
}

/// Whether a page can ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The carrier has registered it.
    Ready,
    /// It is closing, or has lost the carrier.
    Gone,
}

/// How somebody is reached.
///
/// # Errors
/// `SignedOut` for nobody.
pub async fn read(app: &App, actor: &Actor) -> Result<ReachedBy, Error> {
    let staff = actor.staff_id().ok_or(Error::SignedOut)?;
    let mut tx = app.db.begin(actor).await?;
    let chosen = browser_lines::chosen(&mut tx, staff).await?;
    tx.commit().await?;
    Ok(chosen)
}

/// A nurse chooses how she is reached; it holds from the next ring on.
///
/// # Errors
/// `Forbidden` unless a nurse.
pub async fn choose(app: &App, actor: &Actor, by: ReachedBy) -> Result<(), Error> {
    let nurse = actor.staff_among(&[Role::Nurse]).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::ChoseLine).subject(nurse.0).with("by", by.word());
    let receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    browser_lines::choose(&mut tx, &receipt, nurse, by).await?;
    tx.commit().await
}

/// Gives a nurse's page a pass.
///
/// # Errors
/// `Forbidden` unless a nurse; `Conflict` unless she chose the browser, and while the organization has no key for it.
pub async fn pass(app: &App, actor: &Actor) -> Result<BrowserPass, Error> {
    let nurse = actor.staff_among(&[Role::Nurse]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let browser = browser_lines::identity(&mut tx, nurse).await?.ok_or_else(not_chosen)?;
    let sealed = credentials::sealed(&mut tx, CredentialKind::BrowserVoice).await?;
    let (id, sealed) = sealed.ok_or_else(|| {
        Error::Conflict(
            "calls in the browser are not set up; an admin writes the key under Credentials. Your telephone rings meanwhile"
                .to_owned(),
        )
    })?;
    let _receipt = record(&mut tx, actor, &Deed::of(DeedKind::GaveBrowserPass).subject(nurse.0), now).await?;
    tx.commit().await?;
    let secret = app.vault.open(place(actor.org, id), &sealed).await?;
    let key =
        BrowserKey::read(secret).ok_or_else(|| Error::Fault("a stored key for browsers cannot be read".to_owned()))?;
    let token = app
        .phone
        .browser_pass(&key, &browser, now)
        .ok_or_else(|| Error::Fault("a pass for a browser could not be signed".to_owned()))?;
    Ok(BrowserPass { token, lasts_seconds: crate::ports::phone::BROWSER_PASS_SECONDS })
}

/// A page says whether it can ring. Only a change is a deed; a page says the same again and again.
///
/// # Errors
/// `Forbidden` unless a nurse; `Conflict` when a page says it is ready whose nurse chose the telephone.
pub async fn present(app: &App, actor: &Actor, presence: Presence) -> Result<(), Error> {
    let nurse = actor.staff_among(&[Role::Nurse]).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(actor).await?;
    let (is_new, how) = match presence {
        Presence::Ready => (browser_lines::ready(&mut tx, nurse).await?.ok_or_else(not_chosen)?, "ready"),
        Presence::Gone => (browser_lines::gone(&mut tx, nurse).await?, "gone"),
    };
    if is_new {
        let deed = Deed::of(DeedKind::BrowserLine).subject(nurse.0).with("is", how);
        let _receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    }
    tx.commit().await
}

fn not_chosen() -> Error {
    Error::Conflict("your telephone rings; choose this browser first, under Your line".to_owned())
}
