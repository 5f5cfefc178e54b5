//! Writes a letter to a staff member: what it is about and where to act, never about whom.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::StaffId,
        notice::Notice,
        people::Actor,
        private::Private,
    },
    error::Error,
    ports::mailer::Letter,
    store::{audit, staff},
};

/// Hands the letter to the mailer, then records that it did. A member who has left gets none.
///
/// # Errors
/// When the mailer or the database is away; the job then runs again.
pub async fn send(app: &App, actor: &Actor, to: StaffId, notice: Notice) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let address = staff::address(&mut tx, to).await?;
    drop(tx);
    let Some(address) = address else { return Ok(()) };
    let (what, page) = notice.text();
    let letter = Letter {
        to: address,
        subject: notice.subject().to_owned(),
        text: Private::new(format!("{what}\n\n{}{page}\n", app.settings.public_url)),
    };
    app.mailer.send(&letter).await?;
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SentNotice).subject(to.0).with("notice", notice.word());
    let _receipt = audit::record(&mut tx, actor, &deed, app.clock.now()).await?;
    tx.commit().await
}
