//! The state of what is sealed, for admins and auditors: which key wraps now, what older keys still wrap, whether every
//! stored file is what was kept. Nothing that is sealed is opened for it.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Role},
        sealed::SealedColumn,
    },
    error::Error,
    store::{
        audit,
        files::{self, FileHealth},
        sealed,
    },
};
use chrono::{DateTime, Utc};

/// What is known about everything that is sealed.
pub struct Secrets {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// Name of the key that wraps now.
    pub key: String,
    /// How many sealed values each table has: wrapped by that key, and by older ones.
    pub tables: Vec<(&'static str, i64, i64)>,
    /// The stored files.
    pub files: FileHealth,
}

/// Reads it.
///
/// # Errors
/// `Forbidden` for everybody but admins and auditors.
pub async fn open(app: &App, actor: &Actor) -> Result<Secrets, Error> {
    let _entitled = actor.staff_among(&[Role::Admin, Role::Auditor]).ok_or(Error::Forbidden)?;
    let (now, key) = (app.clock.now(), app.vault.keys().wrapping_key());
    let mut tx = app.db.begin(actor).await?;
    let _receipt: audit::Receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::OpenedSecrets), now).await?;
    tx.commit().await?;
    // Counts only; an admin reaches no patient, so Careline counts for them.
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let mut tables = Vec::new();
    for column in SealedColumn::ALL {
        let newest = sealed::count(&mut tx, *column, &key).await?;
        let older = sealed::count_others(&mut tx, *column, &key).await?;
        tables.push((column.words(), newest, older));
    }
    let files = files::health(&mut tx).await?;
    tx.commit().await?;
    Ok(Secrets { now, key, tables, files })
}
