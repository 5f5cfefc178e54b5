//! What marks entries as ours: keys that stay outside the database, and numbers that entries get before they are inserted.

use super::OrgTx;
use crate::{
    domain::{entry::EntryKey, ids::OrgId},
    error::Error,
};
use async_trait::async_trait;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Numbers drawn from the database at a time.
const AT_A_DRAW: i64 = 64;

/// Who derives the keys that mark entries. The vault, in the product.
#[async_trait]
pub trait EntryKeys: Send + Sync {
    /// The key of an organization. `name` is the name of an earlier key, or `None` for the newest. `None` when no key has
    /// that name.
    ///
    /// # Errors
    /// When the keys cannot be reached.
    async fn entry_key(&self, org: OrgId, name: Option<&str>) -> Result<Option<EntryKey>, Error>;
}

/// Numbers that were drawn and are not used yet, shared by the transactions of one process.
#[derive(Clone, Default)]
pub(super) struct Numbers {
    drawn: Arc<Mutex<BTreeSet<i64>>>,
}

impl Numbers {
    /// The smallest number above `above`: within a transaction, numbers rise as its entries follow each other.
    fn take(&self, above: i64) -> Option<i64> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let number = drawn.range(above.saturating_add(1)..).next().copied()?;
        drawn.remove(&number);
        Some(number)
    }

    fn keep(&self, numbers: impl IntoIterator<Item = i64>) {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).extend(numbers);
    }
}

/// The number of the next entry of a transaction.
///
/// # Errors
/// When the database is away.
pub(super) async fn next_number(tx: &mut OrgTx) -> Result<i64, Error> {
    loop {
        if let Some(number) = tx.numbers.take(tx.last_number) {
            tx.last_number = number;
            return Ok(number);
        }
        let drawn = sqlx::query_scalar!(
            r#"select nextval('audit_entry_id_seq') as "number!" from generate_series(1, $1::bigint)"#,
            AT_A_DRAW
        )
        .fetch_all(tx.connection())
        .await?;
        tx.numbers.keep(drawn);
    }
}
