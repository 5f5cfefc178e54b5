//! The second step of signing in, and signing in by passkey alone. Tries climb the ladder of the account, as passwords do;
//! a passkey needs none, because nobody guesses one, and so no stranger can lock its owner out.

use super::{Account, Arrival, Entered, Held, Question, Reply, climb, enter, rung};
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        factor::{BegunBy, Factor},
        ids::{HalfSignInId, OrgId, StaffId},
        ladder::{Ladder, Try},
        passkey::Refusal,
        password::StoredPassword,
        people::{Actor, Who},
        session::{Device, Token},
    },
    error::Error,
    factors::{self as checks, Guess, Unproven},
    store::{
        OrgTx,
        audit::{self, Receipt},
        factors, half_sign_ins,
        half_sign_ins::HalfSignIn,
        ladders,
        passkeys::CeremonyPurpose,
        sign_on, staff,
    },
};
use chrono::{DateTime, TimeDelta, Utc};

/// How long the second step may take.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// Codes tried before the password is asked for again.
const MOST_TRIES: i32 = 5;

/// The browser of a sign-in.
pub struct Browser<'a> {
    /// The cookie by which it is known again.
    pub known: Option<&'a str>,
    /// Its family.
    pub device: Device,
}

/// Notes that a password was right and a factor is owed; returns the value of the cookie that names it.
pub(super) async fn begin(
    mut tx: OrgTx,
    actor: &Actor,
    who: StaffId,
    renewed: Option<StoredPassword>,
    now: DateTime<Utc>,
) -> Result<String, Error> {
    let (id, token) = (HalfSignInId::at(now), Token::of(actor.org, rand::random()));
    let deed = Deed::of(DeedKind::AskedForFactor).subject(id.0);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    half_sign_ins::begin(&mut tx, &receipt, id, who, &token.hash(), now, now + PATIENCE).await?;
    if let Some(renewed) = renewed {
        staff::set_password(&mut tx, &receipt, who, &renewed).await?;
    }
    tx.commit().await?;
    Ok(token.text())
}

/// Which factors the half signed-in person has.
///
/// # Errors
/// `SignedOut` when no sign-in waits: it was finished, is over, or never was.
pub async fn waiting(app: &App, cookie: Option<&str>) -> Result<Held, Error> {
    let (org, half) = read(app, cookie).await?;
    let mut tx = app.db.begin(&Actor::staff(org, half.staff, half.role)).await?;
    factors::held(&mut tx, half.staff).await
}

/// Finishes a sign-in by a typed code of an app, or a recovery code.
///
/// # Errors
/// `Invalid` for a wrong or spent code and after too many; `SignedOut` when no sign-in waits any more.
pub async fn by_code(app: &App, cookie: Option<&str>, typed: &str, browser: &Browser<'_>) -> Result<Entered, Error> {
    let (org, half) = read(app, cookie).await?;
    let now = app.clock.now();
    let actor = Actor::staff(org, half.staff, half.role);
    let Some(account) = try_once(app, org, &half, browser, now).await? else { return Err(Error::SignedOut) };
    let guess = match account.tried {
        Try::Open(_) => checks::examine(&app.db, &app.vault, &actor, half.staff, typed, now).await?,
        Try::Locked(_) => Guess::Nothing,
    };
    let mut tx = app.db.begin(&actor).await?;
    let Some(factor) = checks::spend(&mut tx, half.staff, &guess, now).await? else {
        let why = if matches!(account.tried, Try::Locked(_)) { "locked" } else { "wrong" };
        let deed = Deed::of(DeedKind::FactorRefused).subject(half.staff.0).with("cause", why);
        let visitor = Actor { org, who: Who::Visitor };
        let _receipt: Receipt = audit::record(&mut tx, &visitor, &deed, now).await?;
        tx.commit().await?;
        return Err(Error::Invalid(
            "this code is wrong, was used before, or there were too many tries. Wait for the next code in your app"
                .to_owned(),
        ));
    };
    let deed = Deed::of(DeedKind::ShowedFactor).subject(half.id.0).with("factor", factor.word());
    let _receipt: Receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    finish(tx, org, &half, &account, browser.device, BegunBy::SecondFactor, now).await
}

/// Asks the browser of a half signed-in person for one of their passkeys.
///
/// # Errors
/// `SignedOut` when no sign-in waits; `Conflict` when there can be no passkeys at this address.
pub async fn ask_half(app: &App, cookie: Option<&str>) -> Result<Question, Error> {
    let (org, half) = read(app, cookie).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let (url, purpose) = (&app.settings.public_url, CeremonyPurpose::SignIn);
    let question = checks::ask(&mut tx, url, purpose, Some(half.staff), now).await?;
    tx.commit().await?;
    Ok(question)
}

/// Finishes a sign-in by a passkey of the half signed-in person.
///
/// # Errors
/// `Invalid` when the answer proves nothing; `SignedOut` when no sign-in waits any more.
pub async fn by_half_passkey(
    app: &App,
    cookie: Option<&str>,
    reply: Reply<'_>,
    browser: &Browser<'_>,
) -> Result<Entered, Error> {
    let (org, half) = read(app, cookie).await?;
    let now = app.clock.now();
    let address = address_rung(app, org, half.staff).await?;
    let mut tx = app.db.begin(&Actor::staff(org, half.staff, half.role)).await?;
    let (url, purpose) = (&app.settings.public_url, CeremonyPurpose::SignIn);
    match checks::read(&mut tx, url, purpose, Some(half.staff), reply, now).await? {
        Err(unproven) => refuse(tx, org, unproven, now).await,
        Ok(_) => {
            let account = without_a_try(&mut tx, org, address, half.staff, browser, now).await?;
            finish(tx, org, &half, &account, browser.device, BegunBy::SecondFactor, now).await
        }
    }
}

/// Asks the browser of somebody who has not said who they are. An organization that nobody has asks the same.
///
/// # Errors
/// `Conflict` when there can be no passkeys at this address.
pub async fn ask_anybody(app: &App, organization: &str) -> Result<Question, Error> {
    let org = org_of(app, organization).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let question = checks::ask(&mut tx, &app.settings.public_url, CeremonyPurpose::SignIn, None, now).await?;
    if org != OrgId::NOBODYS {
        tx.commit().await?;
    }
    Ok(question)
}

/// Signs in by a passkey alone: the device, and what unlocks it, are two factors.
///
/// # Errors
/// `Invalid` with one text, whatever was wrong.
pub async fn by_passkey(
    app: &App,
    organization: &str,
    reply: Reply<'_>,
    browser: &Browser<'_>,
) -> Result<Entered, Error> {
    let org = org_of(app, organization).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let url = &app.settings.public_url;
    let proven = match checks::read(&mut tx, url, CeremonyPurpose::SignIn, None, reply, now).await? {
        Err(_) if org == OrgId::NOBODYS => return Err(wrong(Refusal::Wrong)),
        Err(unproven) => return refuse(tx, org, unproven, now).await,
        Ok(proven) => proven,
    };
    tx.commit().await?;
    let address = address_rung(app, org, proven.staff).await?;
    let mut tx = app.db.begin(&Actor::staff(org, proven.staff, proven.role)).await?;
    // Where the organization's provider alone signs people in, no passkey leads past it.
    if !sign_on::login_here_counts(&mut tx, proven.staff).await? {
        return refuse(tx, org, Unproven { refusal: Refusal::Wrong, staff: Some(proven.staff) }, now).await;
    }
    let account = without_a_try(&mut tx, org, address, proven.staff, browser, now).await?;
    let (staff, role, by, device) = (proven.staff, proven.role, BegunBy::Passkey, browser.device);
    enter(tx, org, Arrival { staff, role, account: &account, device, by, renewed: None }, now).await
}

async fn finish(
    mut tx: OrgTx,
    org: OrgId,
    half: &HalfSignIn,
    account: &Account,
    device: Device,
    by: BegunBy,
    now: DateTime<Utc>,
) -> Result<Entered, Error> {
    if !half_sign_ins::end(&mut tx, half.id, now).await? {
        return Err(Error::SignedOut);
    }
    enter(tx, org, Arrival { staff: half.staff, role: half.role, account, device, by, renewed: None }, now).await
}

async fn read(app: &App, cookie: Option<&str>) -> Result<(OrgId, HalfSignIn), Error> {
    let token = cookie.and_then(Token::read).ok_or(Error::SignedOut)?;
    let mut tx = app.db.begin(&Actor { org: token.org, who: Who::Visitor }).await?;
    let half = half_sign_ins::waiting(&mut tx, &token.hash(), app.clock.now()).await?.ok_or(Error::SignedOut)?;
    Ok((token.org, half))
}

/// Takes a try of this sign-in and of the account; `None` when this sign-in has none left.
async fn try_once(
    app: &App,
    org: OrgId,
    half: &HalfSignIn,
    browser: &Browser<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Account>, Error> {
    let address = address_rung(app, org, half.staff).await?;
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    if !half_sign_ins::count_try(&mut tx, half.id, MOST_TRIES).await? {
        half_sign_ins::end(&mut tx, half.id, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let account = climb(&mut tx, address, token_of(org, browser), half.staff, now).await?;
    tx.commit().await?;
    Ok(Some(account))
}

/// The account of somebody whom no ladder holds up.
async fn without_a_try(
    tx: &mut OrgTx,
    org: OrgId,
    address: Vec<u8>,
    who: StaffId,
    browser: &Browser<'_>,
    now: DateTime<Utc>,
) -> Result<Account, Error> {
    let failures = ladders::failures(tx, &address).await?;
    let mut account = climb(tx, address, token_of(org, browser), who, now).await?;
    account.tried = Try::Open(Ladder { failures, locked_until: None });
    Ok(account)
}

async fn address_rung(app: &App, org: OrgId, who: StaffId) -> Result<Vec<u8>, Error> {
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let email = staff::address(&mut tx, who).await?.ok_or(Error::SignedOut)?;
    drop(tx);
    rung(app, org, &format!("address:{}", email.reveal())).await
}

async fn org_of(app: &App, code: &str) -> Result<OrgId, Error> {
    Ok(app.db.organization(code).await?.unwrap_or(OrgId::NOBODYS))
}

fn token_of(org: OrgId, browser: &Browser<'_>) -> Option<Token> {
    browser.known.and_then(Token::read).filter(|token| token.org == org)
}

/// Records an answer that proved nothing; the challenge it spent stays spent.
async fn refuse(mut tx: OrgTx, org: OrgId, unproven: Unproven, now: DateTime<Utc>) -> Result<Entered, Error> {
    let mut deed = Deed::of(DeedKind::FactorRefused).with("factor", Factor::Passkey.word());
    deed = deed.with("cause", unproven.refusal.word());
    deed.subject = unproven.staff.map(|staff| staff.0);
    let _receipt: Receipt = audit::record(&mut tx, &Actor { org, who: Who::Visitor }, &deed, now).await?;
    tx.commit().await?;
    Err(wrong(unproven.refusal))
}

fn wrong(refusal: Refusal) -> Error {
    let words = match refusal {
        Refusal::Wrong => {
            "this passkey does not sign in here, or the question was older than five minutes. Check the organization \
             code and try again"
        }
        Refusal::Unverified => "this device did not check that it is you. Unlock it by PIN, fingerprint or face",
        Refusal::Regressed => {
            "this passkey answered with an old counter, as a copy of it would. It was refused and recorded; tell your \
             admin, and sign in another way"
        }
    };
    Error::Invalid(words.to_owned())
}
