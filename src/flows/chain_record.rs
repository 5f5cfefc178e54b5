//! Chains what the record has gained since the last time.

pub use crate::store::chain::Chained;

use crate::{
    app::App,
    domain::{chain::KeyRing, people::Actor},
    error::Error,
    store::chain,
};

/// Chains one batch of new entries of the actor's organization. Entries that do not carry our mark are left outside and
/// said in the log.
///
/// # Errors
/// When the database is away.
pub async fn chain(app: &App, actor: &Actor) -> Result<Chained, Error> {
    let chained = chain::sequence(&app.db, actor, &mut KeyRing::new()).await?;
    if chained.refused > 0 {
        tracing::error!(org = %actor.org, refused = chained.refused, "entries do not carry our mark and are not chained");
    }
    Ok(chained)
}
