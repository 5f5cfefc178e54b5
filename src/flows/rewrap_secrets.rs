//! A newer key takes over everything an older one wraps: organization by organization, column by column, in short
//! transactions. Whoever stops it anywhere loses nothing and begins again.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::Actor,
        sealed::SealedColumn,
    },
    error::Error,
    store::{
        audit::{Receipt, record},
        sealed::{self, Exchange, Held},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

/// Values in one transaction; each is exchanged only if it is still as it was read.
const AT_ONCE: i64 = 100;
/// Questions to the keys under way at once.
const QUESTIONS: usize = 16;

/// Wraps everything of one organization by the newest key; returns how many values were exchanged.
///
/// # Errors
/// When a value cannot be opened today either, or keys or database are away. What was done until then stays done.
pub async fn rewrap(app: &App, actor: &Actor) -> Result<u64, Error> {
    let newest = app.vault.keys().wrapping_key();
    let mut done = 0;
    for column in SealedColumn::ALL {
        let mut after = Uuid::nil();
        loop {
            let mut tx = app.db.begin(actor).await?;
            let held = sealed::held(&mut tx, *column, &newest, after, AT_ONCE).await?;
            tx.commit().await?;
            let Some(last) = held.last() else { break };
            after = last.row;
            done += exchange(app, actor, *column, held).await?;
        }
    }
    Ok(done)
}

/// How many values of one organization a key still wraps.
///
/// # Errors
/// When the database is away.
pub async fn uses(app: &App, actor: &Actor, key: &str) -> Result<i64, Error> {
    let mut tx = app.db.begin(actor).await?;
    let mut uses = 0;
    for column in SealedColumn::ALL {
        uses += sealed::count(&mut tx, *column, key).await?;
    }
    tx.commit().await?;
    Ok(uses)
}

async fn exchange(app: &App, actor: &Actor, column: SealedColumn, held: Vec<Held>) -> Result<u64, Error> {
    let pairs: Vec<Exchange> = stream::iter(held)
        .map(|one| async move {
            let new = app.vault.rewrap(actor.org, &one.sealed).await?;
            Ok::<_, Error>(new.map(|new| Exchange { row: one.row, old: one.sealed, new }))
        })
        .buffered(QUESTIONS)
        .try_filter_map(|pair| async move { Ok(pair) })
        .try_collect()
        .await?;
    let mut tx = app.db.begin(actor).await?;
    let done = sealed::exchange(&mut tx, column, &pairs).await?;
    let deed = Deed::of(DeedKind::RewrappedSecrets).with("table", column.table()).with("count", done);
    let _receipt: Receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok(done)
}
