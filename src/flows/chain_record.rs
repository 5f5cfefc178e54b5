//! Chains what the record has gained since the last time.

use crate::{app::App, domain::people::Actor, error::Error};

/// Chains new entries of the actor's organization; returns how many.
///
/// # Errors
/// When the database is away.
pub async fn chain(app: &App, actor: &Actor) -> Result<u64, Error> {
    let _ = (app, actor);
    Ok(0)
}
