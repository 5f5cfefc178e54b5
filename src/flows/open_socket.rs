//! Tickets of live sockets. A browser sends its cookie along with a socket that any page opens, so a cookie alone opens
//! none: a page of ours fetches a ticket first, good for a minute and for one socket (OWASP ASVS 5.0, 4.4).

use crate::{
    app::App,
    domain::{
        ids::{OrgId, SessionId},
        people::{Actor, Who},
        session::{TICKET, Token},
    },
    error::Error,
    store::sessions,
};

/// Writes a ticket for a session; returns its text.
///
/// # Errors
/// When the database is away.
pub async fn write_ticket(app: &App, actor: &Actor, session: SessionId) -> Result<String, Error> {
    let now = app.clock.now();
    let token = Token::of(actor.org, rand::random());
    let mut tx = app.db.begin(actor).await?;
    sessions::write_ticket(&mut tx, session, &token.hash(), now + TICKET, now).await?;
    tx.commit().await?;
    Ok(token.text())
}

/// Uses a ticket up.
///
/// # Errors
/// `Forbidden` when it is none, was used, is late, or belongs to another session.
pub async fn take_ticket(app: &App, org: OrgId, session: SessionId, text: &str) -> Result<(), Error> {
    let token = Token::read(text).filter(|token| token.org == org).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(&Actor { org, who: Who::Visitor }).await?;
    let holder = sessions::take_ticket(&mut tx, &token.hash(), app.clock.now()).await?;
    tx.commit().await?;
    if holder == Some(session) { Ok(()) } else { Err(Error::Forbidden) }
}
