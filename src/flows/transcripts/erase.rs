//! Erases the words of calls whose time is over: what was heard, its times and what was corrected, in one transaction with the
//! deed. That somebody spoke, when and for how long, stays.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::Actor,
        retention::ErasedWhy,
    },
    error::Error,
    store::{audit, transcript_retention},
};
use chrono::TimeDelta;

/// Calls erased at one look; the next look takes more.
const AT_ONCE: i64 = 100;

/// Erases what is due by the rule of this instant and nobody holds. May run twice.
///
/// # Errors
/// When the database is away; what was erased until then stays so.
pub async fn erase(app: &App, actor: &Actor) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let Some(days) = transcript_retention::days(&mut tx).await? else { return Ok(()) };
    let due = transcript_retention::due(&mut tx, now - TimeDelta::days(i64::from(days)), AT_ONCE).await?;
    tx.commit().await?;
    for call in due {
        let mut tx = app.db.begin(actor).await?;
        if let Some((patient, utterances)) = transcript_retention::erase(&mut tx, call, now).await? {
            let deed = Deed::of(DeedKind::ErasedTranscript)
                .patient(patient)
                .subject(call.0)
                .with("why", ErasedWhy::Retention.word())
                .with("utterances", utterances);
            let _receipt: audit::Receipt = audit::record(&mut tx, actor, &deed, now).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
