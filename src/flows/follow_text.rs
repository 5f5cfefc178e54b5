//! What the carrier reports about a text it has: late, twice or out of order, it ends the same.

use crate::{
    app::App,
    domain::{
        ids::{OrgId, TextId},
        people::Actor,
        text::TextState,
    },
    error::Error,
    ports::texts::TextNews,
    store::{text_tidings, texts},
};

/// Takes one report.
///
/// # Errors
/// `NotFound` for a text of nobody's; otherwise when the database is away, and the carrier sends it again.
pub async fn status(app: &App, org: OrgId, id: TextId, news: &TextNews) -> Result<(), Error> {
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    let held = texts::lock(&mut tx, id).await?;
    let ours = match (held.state, held.sid.as_deref()) {
        (TextState::Bound, Some(own)) => own == news.sid.0,
        // The report is here before the answer: it names the text, so it is the proof that was waited for.
        (TextState::Sending | TextState::Unknown, None) => texts::bind(&mut tx, id, &news.sid.0, now).await?,
        (
            TextState::Scheduled
            | TextState::Sending
            | TextState::Unknown
            | TextState::Bound
            | TextState::Rejected
            | TextState::NotSent
            | TextState::HeldBack
            | TextState::CalledOff
            | TextState::Received,
            _,
        ) => false,
    };
    if ours {
        text_tidings::hear(&mut tx, &actor, &held, news.step, &news.code, now).await?;
    }
    tx.commit().await
}
