//! Lets a nurse go whose patient was not reached: one sentence, then her leg ends.

use crate::{
    app::App,
    domain::{
        ids::AttemptId,
        people::{Actor, Language},
        script_texts::{Parting, part},
    },
    error::Error,
    ports::phone::CarrierSid,
    store::attempts,
};

/// Ends one nurse's leg. One that has ended already is fine; a carrier that is away makes the job run again.
///
/// # Errors
/// When the carrier or the database is away.
pub async fn let_go(app: &App, actor: &Actor, attempt: AttemptId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let read = attempts::read(&mut tx, attempt).await?;
    tx.commit().await?;
    let Some(sid) = read.sid.filter(|_| read.ended_at.is_none()) else { return Ok(()) };
    let words = part(Language::English, Parting::NotReached);
    app.phone.end(&CarrierSid(sid), Some(&words)).await?;
    Ok(())
}
