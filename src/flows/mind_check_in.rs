//! Looks after a check-in by text: silence, hours that closed, a text that did not go out.

use crate::{
    app::App,
    domain::{ids::CallId, people::Actor},
    error::Error,
    live::LiveEvent,
    store::by_text,
};

/// Looks once.
///
/// # Errors
/// When the database is away.
pub async fn mind(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    by_text::mind(&mut tx, actor, &app.settings.call_code_key, call, app.clock.now()).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    app.live.publish(actor.org, call, LiveEvent::AssessmentMoved);
    Ok(())
}
