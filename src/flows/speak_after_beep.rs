//! A machine's beep has sounded and it may be told a sentence: the carrier asks us at once what to say, so that the
//! recording does not end in silence first. What is said is decided where every step of the script is.

use crate::{
    app::App,
    domain::{answering::AnsweredBy, call::CallState, ids::AttemptId, people::Actor},
    error::Error,
    ports::phone::CarrierSid,
    store::{tidings, voicemail},
};

/// Has the leg ask anew, unless keys were pressed meanwhile, it is over, or the sentence was taken already.
///
/// # Errors
/// When the database is away. A carrier that is away changes nothing: the leg asks by itself when its wait for keys is over.
pub async fn speak(app: &App, actor: &Actor, attempt: AttemptId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let (attempt, call) = tidings::lock(&mut tx, attempt).await?;
    let waits = call.state == CallState::Placed
        && call.script.is_untouched()
        && attempt.answered_by == Some(AnsweredBy::MachineBeep)
        && attempt.outcome.is_none()
        && attempt.ended_at.is_none()
        && !voicemail::has_taken_word(&mut tx, attempt.id).await?;
    tx.commit().await?;
    if let Some(sid) = attempt.sid.filter(|_| waits) {
        app.phone.ask_anew(actor.org, attempt.id, &CarrierSid(sid)).await.unwrap_or_default();
    }
    Ok(())
}
