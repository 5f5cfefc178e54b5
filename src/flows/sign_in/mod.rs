//! Signing in, being recognized and signing out. Sessions live on the server; a cookie names one, and only the hash of
//! what is in it is kept. Whatever was wrong, a refusal has one text and does the same work, and every try climbs the
//! ladder of its account before the password is compared. Who has a second factor is half signed in by the password:
//! `second_step` asks for the rest.

mod second_step;

pub use crate::{
    factors::{Question, Reply},
    store::factors::Held,
};
pub use second_step::{Browser, ask_anybody, ask_half, by_code, by_half_passkey, by_passkey, waiting};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        factor::BegunBy,
        ids::{DeviceId, OrgId, SessionId, StaffId},
        job::Job,
        ladder::{Try, UNUSUAL},
        notice::Notice,
        password::StoredPassword,
        people::{Actor, Role, Who},
        private::Private,
        session::{Device, Lifetime, TRUSTED, Token, longest},
    },
    error::Error,
    ports::keys::Purpose,
    store::{
        OrgTx,
        audit::{self, Receipt},
        devices, factors, jobs, ladders,
        sessions::{self, NewSession, Which},
        sign_on, staff,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// How often the use of a session is written down.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);
/// What everybody reads who may not come in, whatever was wrong.
const REFUSED: &str = "Organization, e-mail or password is wrong, or there were too many tries. Nothing was lost; try \
                       again, after some minutes if you tried often.";
/// Where a try goes whose organization nobody has: it does what every try does, in an organization without rows.
/// The login of an address nobody has.
const NOBODY: StaffId = StaffId(uuid::Uuid::nil());

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
    /// When they last proved who they are.
    pub proven_at: Option<DateTime<Utc>>,
    /// How long their session lives; `None` for a program.
    pub lifetime: Option<Lifetime>,
    /// Whether they must add a second factor before anything else opens.
    pub owes_factor: bool,
}

/// What somebody typed, and where.
pub struct Entry<'a> {
    /// The organization's code.
    pub organization: &'a str,
    /// The address of the login.
    pub email: &'a str,
    /// The password.
    pub password: Private<String>,
    /// The cookie by which their browser is known again.
    pub known: Option<&'a str>,
    /// The browser's family.
    pub device: Device,
}

/// What the browser keeps of a sign-in.
#[derive(Debug)]
pub struct Entered {
    /// The value of the session's cookie.
    pub session: String,
    /// The value of the cookie by which the browser is known again.
    pub device: String,
}

/// How far a right password leads.
#[derive(Debug)]
pub enum FirstStep {
    /// In.
    Entered(Entered),
    /// To the second factor; what waits is named by this cookie's value.
    Half(String),
}

/// Begins a session, or the second step of one.
///
/// # Errors
/// `Invalid` with one text for an unknown organization, an unknown e-mail address, a wrong password and a locked account.
pub async fn sign_in(app: &App, entry: &Entry<'_>) -> Result<FirstStep, Error> {
    let began = Instant::now();
    let place = app.passwords.queue()?;
    let org = app.db.organization(entry.organization).await?.unwrap_or(OrgId::NOBODYS);
    let (login, account) = attempt(app, org, entry).await?;
    let stored = login.as_ref().map_or_else(StoredPassword::nobodys, |login| login.password.clone());
    let right = match account.tried {
        Try::Open(_) => app.passwords.matches(&place, org, &entry.password, &stored).await?,
        Try::Locked(_) => false,
    };
    let Some(login) = login.as_ref().filter(|_| right) else {
        drop(place);
        refuse(app, org, login.map(|login| login.id), account.tried).await?;
        app.passwords.keep_pace(began).await;
        return Err(Error::Invalid(REFUSED.to_owned()));
    };
    let renewed = app.passwords.renew(&place, org, &entry.password, &stored).await?;
    let step = step(app, org, login, &account, renewed, entry.device).await?;
    app.passwords.note(began.elapsed());
    Ok(step)
}

/// What a right password leads to.
async fn step(
    app: &App,
    org: OrgId,
    login: &staff::Login,
    account: &Account,
    renewed: Option<StoredPassword>,
    device: Device,
) -> Result<FirstStep, Error> {
    let now = app.clock.now();
    let actor = Actor::staff(org, login.id, login.role);
    let mut tx = app.db.begin(&actor).await?;
    if factors::held(&mut tx, login.id).await?.any() {
        return second_step::begin(tx, &actor, login.id, renewed, now).await.map(FirstStep::Half);
    }
    let arrival = Arrival { staff: login.id, role: login.role, account, device, by: BegunBy::Password, renewed };
    enter(tx, org, arrival, now).await.map(FirstStep::Entered)
}

/// The ladder that was climbed, and what is known of the browser.
struct Account {
    /// The row of the ladder.
    rung: Vec<u8>,
    /// The ladder of the address, whoever climbed it.
    address: Vec<u8>,
    tried: Try,
    device: Option<Token>,
    known: Option<DeviceId>,
}

/// Reads the login and takes the try. A browser its person signed in from before has a ladder of its own, so that
/// strangers who lock the address do not lock out the person.
async fn attempt(app: &App, org: OrgId, entry: &Entry<'_>) -> Result<(Option<staff::Login>, Account), Error> {
    let now = app.clock.now();
    let address = rung(app, org, &format!("address:{}", entry.email.to_lowercase())).await?;
    let token = entry.known.and_then(Token::read).filter(|token| token.org == org);
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let login = staff::login(&mut tx, entry.email).await?;
    let counts = sign_on::login_here_counts(&mut tx, login.as_ref().map_or(NOBODY, |login| login.id)).await?;
    // Where the organization's provider alone signs people in, a right password is a wrong one.
    let login = login.filter(|_| counts);
    let owner = login.as_ref().map_or(NOBODY, |login| login.id);
    let account = climb(&mut tx, address, token, owner, now).await?;
    tx.commit().await?;
    Ok((login, account))
}

/// Takes a try of somebody's account.
async fn climb(
    tx: &mut OrgTx,
    address: Vec<u8>,
    token: Option<Token>,
    owner: StaffId,
    now: DateTime<Utc>,
) -> Result<Account, Error> {
    let token_hash = token.as_ref().map_or_else(|| vec![0], Token::hash);
    let known = devices::device(tx, &token_hash, owner, now).await?;
    let rung = match known {
        Some(device) => device.0.as_bytes().to_vec(),
        None => address.clone(),
    };
    let tried = ladders::climb(tx, &rung, now).await?;
    // A colleague may have signed in from this browser; a token nobody knows is not taken over.
    let shared = devices::is_device(tx, &token_hash, now).await?;
    Ok(Account { rung, address, tried, device: token.filter(|_| shared), known })
}

/// The row of the ladder: a mark, because people type passwords into the wrong field.
async fn rung(app: &App, org: OrgId, what: &str) -> Result<Vec<u8>, Error> {
    Ok(app.vault.keys().mark(Purpose::Lookup, org, None, what.as_bytes()).await?.bytes)
}

/// Somebody whose proof is complete.
struct Arrival<'a> {
    staff: StaffId,
    role: Role,
    account: &'a Account,
    device: Device,
    by: BegunBy,
    renewed: Option<StoredPassword>,
}

/// Begins their session, in the transaction that spent their proof.
async fn enter(mut tx: OrgTx, org: OrgId, arrival: Arrival<'_>, now: DateTime<Utc>) -> Result<Entered, Error> {
    let Arrival { staff: who, role, account, device, by, renewed } = arrival;
    let actor = Actor::staff(org, who, role);
    let token = Token::of(org, rand::random());
    let browser = account.device.clone().unwrap_or_else(|| Token::of(org, rand::random()));
    let (id, expires_at) = (SessionId::at(now), now + longest(role));
    let session = NewSession { id, staff: who, token_hash: token.hash(), expires_at, device, by };
    let deed = Deed::of(DeedKind::SignedIn).subject(id.0).with("device", device.word()).with("by", by.word());
    let receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    sessions::begin(&mut tx, &receipt, &session, now).await?;
    if is_unusual(&mut tx, who, account).await? {
        let job = Job::SendNotice { staff: who, notice: Notice::UnusualSignIn };
        // One letter an hour says it; more would bury it.
        jobs::enqueue(&mut tx, &job, &now.format("%Y-%m-%dT%H").to_string(), now, now).await?;
    }
    ladders::step_down(&mut tx, &receipt, &account.rung).await?;
    let remembered = devices::NewDevice {
        id: DeviceId::at(now),
        staff: who,
        token_hash: &browser.hash(),
        device,
        expires_at: now + TRUSTED,
    };
    devices::remember(&mut tx, &receipt, &remembered, now).await?;
    if let Some(renewed) = renewed {
        staff::set_password(&mut tx, &receipt, who, &renewed).await?;
    }
    tx.commit().await?;
    Ok(Entered { session: token.text(), device: browser.text() })
}

/// A browser not seen before, of somebody who was seen elsewhere; or a success after many refused tries.
async fn is_unusual(tx: &mut OrgTx, who: StaffId, account: &Account) -> Result<bool, Error> {
    // The present try was counted too.
    let (Try::Open(ladder) | Try::Locked(ladder)) = account.tried;
    if ladder.failures > UNUSUAL || ladders::failures(tx, &account.address).await? > UNUSUAL {
        return Ok(true);
    }
    Ok(account.known.is_none() && devices::was_remembered(tx, who).await?)
}

/// Records the refusal. An organization that does not exist has no record, so there the same statements come to nothing.
async fn refuse(app: &App, org: OrgId, login: Option<StaffId>, tried: Try) -> Result<(), Error> {
    let actor = Actor { org, who: Who::Visitor };
    let now = app.clock.now();
    let mut deed = Deed::of(DeedKind::SignInRefused).with(
        "why",
        match tried {
            Try::Open(_) => "wrong",
            Try::Locked(_) => "locked",
        },
    );
    deed.subject = login.map(|login| login.0);
    let mut tx = app.db.begin(&actor).await?;
    let _receipt: Receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    ladders::forget_old_ladders(&mut tx, now).await?;
    if org == OrgId::NOBODYS { Ok(()) } else { tx.commit().await }
}

/// Whether a request means that somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A person asked for something.
    Hand,
    /// A page read itself again; it keeps no session alive.
    Glance,
}

/// The person behind a cookie's value.
///
/// # Errors
/// `SignedOut` when there is no such session, or it is over.
pub async fn whoami(app: &App, cookie: &str, how: Use) -> Result<Identity, Error> {
    let token = Token::read(cookie).ok_or(Error::SignedOut)?;
    let now = app.clock.now();
    // A visitor reaches no call, and whether somebody is on one decides how long their session lives.
    let mut tx = app.db.begin(&Actor::careline(token.org)).await?;
    let session = sessions::read(&mut tx, Which::Token(&token.hash())).await?.ok_or(Error::SignedOut)?;
    let (id, seen_at) = (session.id, session.lifetime.seen_at);
    let identity = alive(token.org, session, now)?;
    if how == Use::Hand && now - seen_at >= TOUCH_EVERY {
        sessions::touch(&mut tx, id, now).await?;
        tx.commit().await?;
    }
    Ok(identity)
}

/// The person behind a session that is looked at again while a socket of theirs is open; looking keeps nothing alive.
///
/// # Errors
/// `SignedOut` when it is over.
pub async fn look_again(app: &App, org: OrgId, session: SessionId) -> Result<Identity, Error> {
    let mut tx = app.db.begin(&Actor::careline(org)).await?;
    let session = sessions::read(&mut tx, Which::Id(session)).await?.ok_or(Error::SignedOut)?;
    alive(org, session, app.clock.now())
}

/// Ends the session behind a cookie's value, on the server. One that is over already stays over.
///
/// # Errors
/// When the database is away.
pub async fn sign_out(app: &App, cookie: &str) -> Result<(), Error> {
    let Some(token) = Token::read(cookie) else { return Ok(()) };
    let (org, now) = (token.org, app.clock.now());
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let Some(session) = sessions::read(&mut tx, Which::Token(&token.hash())).await? else { return Ok(()) };
    let actor = Actor::staff(org, session.staff, session.role);
    let deed = Deed::of(DeedKind::SignedOut).subject(session.id.0);
    let receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    sessions::end(&mut tx, &receipt, session.staff, session.id, now).await?;
    tx.commit().await
}

fn alive(org: OrgId, session: sessions::Session, now: DateTime<Utc>) -> Result<Identity, Error> {
    if session.lifetime.is_over(now) {
        return Err(Error::SignedOut);
    }
    Ok(Identity {
        actor: Actor::staff(org, session.staff, session.role),
        session: Some(session.id),
        full_name: session.full_name,
        org_name: session.org_name,
        org_code: session.org_code,
        proven_at: session.proven_at,
        lifetime: Some(session.lifetime),
        owes_factor: session.owes_factor,
    })
}
