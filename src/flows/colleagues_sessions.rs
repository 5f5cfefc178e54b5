//! Where a colleague is signed in, for an admin, who may end a single session: of a lost telephone, of a shared screen.

pub use crate::store::{rights::Member, sessions::OpenSession};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{SessionId, StaffId},
        people::{Actor, Role},
        session::IDLE,
    },
    error::Error,
    store::{audit::record, rights, sessions, worklist},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// A colleague and where they are signed in.
pub struct SignedInAt {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The organization's zone.
    pub zone: Tz,
    /// Who.
    pub member: Member,
    /// Their open sessions, the one used last first.
    pub sessions: Vec<OpenSession>,
}

/// Reads it.
///
/// # Errors
/// `Forbidden` unless an admin; `NotFound` for nobody here.
pub async fn list(app: &App, actor: &Actor, staff: StaffId) -> Result<SignedInAt, Error> {
    let _admin = actor.staff_among(&[Role::Admin]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let member = rights::members(&mut tx, Some(staff)).await?.into_iter().next().ok_or(Error::NotFound)?;
    let _receipt = record(&mut tx, actor, &Deed::of(DeedKind::ListedSessions).subject(staff.0), now).await?;
    let sessions = sessions::open(&mut tx, staff, now - IDLE, now).await?;
    let zone = worklist::zone(&mut tx).await?;
    tx.commit().await?;
    Ok(SignedInAt { now, zone, member, sessions })
}

/// Ends one of them, on HTTP and on open sockets. Their other sessions go on.
///
/// # Errors
/// `Forbidden` unless an admin; `NotFound` when it is somebody else's, of nobody here, or over.
pub async fn end(app: &App, actor: &Actor, staff: StaffId, session: SessionId) -> Result<(), Error> {
    let _admin = actor.staff_among(&[Role::Admin]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::EndedSessions).subject(session.0).with("staff", staff);
    let receipt = record(&mut tx, actor, &deed, now).await?;
    let ended = sessions::end(&mut tx, &receipt, staff, session, now).await?;
    if ended.0 == 0 { Err(Error::NotFound) } else { tx.commit().await }
}
