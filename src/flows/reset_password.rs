//! A forgotten password: asked for by anybody, answered alike for any address, chosen anew by whoever reads the letter. Second
//! factors stay what they are, and nobody is signed in by a letter.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{OrgId, ResetId},
        job::Job,
        notice::Notice,
        people::{Actor, Who},
        private::Private,
        session::{LETTER, Token},
    },
    error::Error,
    ports::{keys::Purpose, mailer::Letter},
    store::{audit, devices, jobs, ladders, resets, sessions, staff},
};
use chrono::TimeDelta;

/// Most letters one address is asked for in `WITHIN`.
const MOST: i64 = 3;
/// The time in which they are counted.
const WITHIN: TimeDelta = TimeDelta::hours(1);
/// Where a request goes whose organization nobody has; see `flows/sign_in.rs`.
/// What somebody reads whose letter opens nothing any more.
const STALE: &str = "This letter was used already or is older than half an hour. Ask for a new one.";

/// Notes that a password was forgotten. Whether anybody has the address is looked at by a job, so the answer and the work
/// before it are the same for all.
///
/// # Errors
/// When the database is away.
pub async fn ask(app: &App, organization: &str, email: &str) -> Result<(), Error> {
    let org = app.db.organization(organization).await?.unwrap_or(OrgId::NOBODYS);
    let what = format!("address:{}", email.to_lowercase());
    let account = app.vault.keys().mark(Purpose::Lookup, org, None, what.as_bytes()).await?.bytes;
    let now = app.clock.now();
    let (id, actor) = (ResetId::at(now), Actor { org, who: Who::Visitor });
    let mut tx = app.db.begin(&actor).await?;
    let _receipt = audit::record(&mut tx, &actor, &Deed::of(DeedKind::AskedReset).subject(id.0), now).await?;
    if resets::ask(&mut tx, id, (&account, email), (MOST, now - WITHIN), now).await? {
        jobs::enqueue(&mut tx, &Job::WriteReset { reset: id }, "", now, now).await?;
    }
    if org == OrgId::NOBODYS { Ok(()) } else { tx.commit().await }
}

/// Writes the letter. The token is made here, so nothing but the letter ever holds it; a job that runs twice writes twice,
/// and only the newer letter opens.
///
/// # Errors
/// When the mailer or the database is away; the job then runs again.
pub async fn write(app: &App, actor: &Actor, reset: ResetId) -> Result<(), Error> {
    let now = app.clock.now();
    let token = Token::of(actor.org, rand::random());
    let mut tx = app.db.begin(actor).await?;
    let Some(to) = resets::arm(&mut tx, reset, &token.hash(), now + LETTER).await? else { return Ok(()) };
    let Some(address) = staff::address(&mut tx, to).await? else { return Ok(()) };
    let deed = Deed::of(DeedKind::WroteReset).subject(reset.0);
    let _receipt = audit::record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    let text = format!(
        "Somebody, probably you, asked to choose a new password for Careline. This page opens for half an hour, \
         once:\n\n{}/reset/{}\n\nIf it was not you, do nothing: your password stays as it is.\n",
        app.settings.public_url,
        token.text()
    );
    let letter = Letter { to: address, subject: "Choose a new password".to_owned(), text: Private::new(text) };
    Ok(app.mailer.send(&letter).await?)
}

/// Whether a letter still opens.
///
/// # Errors
/// `Invalid` when it does not.
pub async fn open(app: &App, link: &str) -> Result<(), Error> {
    let token = Token::read(link).ok_or_else(stale)?;
    let mut tx = app.db.begin(&Actor { org: token.org, who: Who::Visitor }).await?;
    resets::lock(&mut tx, &token.hash(), app.clock.now()).await?.map(drop).ok_or_else(stale)
}

/// What may be wrong with a new password.
#[derive(Debug)]
pub enum Chosen {
    /// Nothing; it is in force.
    Changed,
    /// It may not be chosen; the letter still opens.
    Refused(String),
}

/// Chooses a new password by a letter: every session and every trusted browser ends.
///
/// # Errors
/// `Invalid` when the letter does not open.
pub async fn choose(app: &App, link: &str, new: &Private<String>) -> Result<Chosen, Error> {
    let token = Token::read(link).ok_or_else(stale)?;
    let actor = Actor { org: token.org, who: Who::Visitor };
    let place = app.passwords.queue()?;
    let own = {
        let mut tx = app.db.begin(&actor).await?;
        let reset = resets::lock(&mut tx, &token.hash(), app.clock.now()).await?.ok_or_else(stale)?;
        staff::own_password(&mut tx, reset.staff).await?
    };
    let about = own.about.each_ref().map(String::as_str);
    let stored = match app.passwords.store(&place, token.org, new, &about).await {
        Ok(stored) => stored,
        Err(Error::Invalid(fault)) => return Ok(Chosen::Refused(fault)),
        Err(error) => return Err(error),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    // Locked again: of two who open one letter at once, one comes too late.
    let reset = resets::lock(&mut tx, &token.hash(), now).await?.ok_or_else(stale)?;
    let receipt =
        audit::record(&mut tx, &actor, &Deed::of(DeedKind::ResetPassword).subject(reset.staff.0), now).await?;
    staff::set_password(&mut tx, &receipt, reset.staff, &stored).await?;
    resets::use_up(&mut tx, &receipt, reset.staff, now).await?;
    sessions::end_all(&mut tx, &receipt, reset.staff, None, now).await?;
    devices::distrust(&mut tx, &receipt, reset.staff, None, now).await?;
    ladders::step_down(&mut tx, &receipt, &reset.account).await?;
    let notice = Job::SendNotice { staff: reset.staff, notice: Notice::CredentialChanged };
    jobs::enqueue(&mut tx, &notice, &reset.id.to_string(), now, now).await?;
    tx.commit().await?;
    Ok(Chosen::Changed)
}

fn stale() -> Error {
    Error::Invalid(STALE.to_owned())
}
