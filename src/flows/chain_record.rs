//! Chains what the record has gained since the last time.

use crate::{app::App, domain::people::Actor, error::Error, store::chain};

/// Chains new entries of the actor's organization; returns how many.
///
/// # Errors
/// When the database is away.
pub async fn chain(app: &App, actor: &Actor) -> Result<u64, Error> {
    let mut tx = app.db.begin(actor).await?;
    let chained = chain::sequence(&mut tx).await?;
    tx.commit().await?;
    Ok(chained)
}
