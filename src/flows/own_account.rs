//! One's own account: where one is signed in, which browsers are known, a new password.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{DeviceId, SessionId, StaffId},
        job::Job,
        notice::Notice,
        people::Actor,
        private::Private,
        session::{IDLE, Token},
    },
    error::Error,
    store::{audit, devices, jobs, sessions, staff, worklist},
};
use chrono_tz::Tz;
pub use devices::TrustedDevice;
pub use sessions::OpenSession;

/// One's account.
pub struct Account {
    /// Where one is signed in.
    pub sessions: Vec<OpenSession>,
    /// Browsers one signed in from within a month.
    pub devices: Vec<TrustedDevice>,
    /// The organization's zone; every time is shown in it.
    pub zone: Tz,
}

/// Reads it.
///
/// # Errors
/// `SignedOut` for nobody.
pub async fn read(app: &App, actor: &Actor) -> Result<Account, Error> {
    let staff = owner(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    Ok(Account {
        sessions: sessions::open(&mut tx, staff, now - IDLE, now).await?,
        devices: devices::devices(&mut tx, staff, now).await?,
        zone: worklist::zone(&mut tx).await?,
    })
}

/// Ends one of one's own sessions, wherever it is used.
///
/// # Errors
/// `NotFound` when it is nobody's, a colleague's, or over.
pub async fn end_session(app: &App, actor: &Actor, session: SessionId) -> Result<(), Error> {
    let (staff, now) = (owner(actor)?, app.clock.now());
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::EndedSessions).subject(session.0);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    let ended = sessions::end(&mut tx, &receipt, staff, session, now).await?;
    if ended.0 == 0 { Err(Error::NotFound) } else { tx.commit().await }
}

/// Ends every session of one's own but the one in use.
///
/// # Errors
/// `SignedOut` for nobody.
pub async fn end_others(app: &App, actor: &Actor, used: SessionId) -> Result<(), Error> {
    let (staff, now) = (owner(actor)?, app.clock.now());
    let mut tx = app.db.begin(actor).await?;
    let receipt =
        audit::record(&mut tx, actor, &Deed::of(DeedKind::EndedSessions).with("which", "others"), now).await?;
    sessions::end_all(&mut tx, &receipt, staff, Some(used), now).await?;
    tx.commit().await
}

/// Trusts a browser of one's own no longer.
///
/// # Errors
/// `NotFound` when it is nobody's, a colleague's, or not trusted.
pub async fn distrust(app: &App, actor: &Actor, device: DeviceId) -> Result<(), Error> {
    let (staff, now) = (owner(actor)?, app.clock.now());
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::DistrustedDevices).subject(device.0);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    let done = devices::distrust(&mut tx, &receipt, staff, Some(device), now).await?;
    if done == 0 { Err(Error::NotFound) } else { tx.commit().await }
}

/// Chooses a new password; its door wants a fresh proof, so the old one was just typed. Every other session ends, every
/// browser is forgotten, and this session goes on under the cookie value that is returned.
///
/// # Errors
/// `Invalid` saying what to choose instead.
pub async fn change_password(
    app: &App,
    actor: &Actor,
    used: SessionId,
    new: &Private<String>,
) -> Result<String, Error> {
    let staff = owner(actor)?;
    let place = app.passwords.queue()?;
    let own = {
        let mut tx = app.db.begin(actor).await?;
        staff::own_password(&mut tx, staff).await?
    };
    let about = own.about.each_ref().map(String::as_str);
    let stored = app.passwords.store(&place, actor.org, new, &about).await?;
    let now = app.clock.now();
    let token = Token::of(actor.org, rand::random());
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::ChangedPassword).subject(staff.0), now).await?;
    staff::set_password(&mut tx, &receipt, staff, &stored).await?;
    sessions::end_all(&mut tx, &receipt, staff, Some(used), now).await?;
    sessions::prove(&mut tx, &receipt, used, &token.hash(), now).await?;
    devices::distrust(&mut tx, &receipt, staff, None, now).await?;
    let notice = Job::SendNotice { staff, notice: Notice::CredentialChanged };
    jobs::enqueue(&mut tx, &notice, &format!("{used}.{}", now.timestamp_micros()), now, now).await?;
    tx.commit().await?;
    Ok(token.text())
}

/// Only a person has an account; a program acts for one and changes nothing of it.
fn owner(actor: &Actor) -> Result<StaffId, Error> {
    actor.staff_id().ok_or(Error::SignedOut)
}
