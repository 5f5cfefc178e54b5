//! Chains what the record has gained since the last time.

use crate::{
    app::App,
    domain::{chain::KeyRing, people::Actor},
    error::Error,
    store::chain::{self, Sequenced},
};

/// Whether a batch was as long as batches get, so that more is likely to wait. A shorter one ends a look: an organization
/// that never stops writing must not keep the others waiting.
#[must_use]
pub fn was_full(entries: u64) -> bool {
    entries >= u64::from(chain::BATCH)
}

/// Chains one batch of new entries of the actor's organization; returns how many there were. Entries that do not carry our
/// mark are left outside and said in the log.
///
/// # Errors
/// When the database is away.
pub async fn chain(app: &App, actor: &Actor) -> Result<u64, Error> {
    let mut keys = KeyRing::new();
    loop {
        let mut tx = app.db.begin(actor).await?;
        let sequenced = chain::sequence(&mut tx, &keys).await?;
        tx.commit().await?;
        match sequenced {
            Sequenced::Chained { entries, refused } => {
                if refused > 0 {
                    tracing::error!(org = %actor.org, refused, "entries do not carry our mark and are not chained");
                }
                return Ok(entries);
            }
            // Fetched between transactions, because keys may be behind a network.
            Sequenced::KeyWanted(name) => {
                let key = app.db.entry_key(actor.org, &name).await?;
                keys.insert(name, key);
            }
        }
    }
}
