//! The chain page by page, in short transactions: for verification and export, however long the record is.

use super::{OrgTx, chain::EntryRow};
use crate::{
    domain::chain::{ChainedEntry, Link},
    error::Error,
};

/// Links on a page.
pub const ON_A_PAGE: i64 = 2_000;
/// Entries outside the chain that are looked at, oldest first.
const LOOSE: i64 = 500;

/// The links after a place, in their order.
///
/// # Errors
/// When the database is away.
pub async fn after(tx: &mut OrgTx, seq: i64) -> Result<Vec<Link>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select c.seq, c.entry_id, c.previous, c.hash,
                  e.id as "id?", e.xid::text as "xid?", e.actor_kind as "actor_kind?", e.actor_id as "actor_id?",
                  e.actor_role as "actor_role?", e.deed as "deed?", e.patient_id as "patient_id?",
                  e.subject as "subject?", e.detail as "detail?", e.at as "at?", e.mark_key as "mark_key?",
                  e.nonce as "nonce?", e.mark as "mark?"
             from audit_chain c
             left join audit_entry e on e.org_id = c.org_id and e.id = c.entry_id
            where c.org_id = $1
              and c.seq > $2
            order by c.seq
            limit $3"#,
        org.0,
        seq,
        ON_A_PAGE
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let entry = match (row.id, row.xid, row.actor_kind, row.deed, row.detail, row.at) {
                (Some(id), Some(xid), Some(actor_kind), Some(deed), Some(detail), Some(at)) => Some(EntryRow {
                    id,
                    xid,
                    actor_kind,
                    actor_id: row.actor_id,
                    actor_role: row.actor_role,
                    deed,
                    patient_id: row.patient_id,
                    subject: row.subject,
                    detail,
                    at,
                    mark_key: row.mark_key,
                    nonce: row.nonce,
                    mark: row.mark,
                }),
                _ => None,
            };
            Link {
                seq: row.seq,
                entry_id: row.entry_id,
                entry: entry.map(ChainedEntry::from),
                previous: row.previous,
                hash: row.hash,
            }
        })
        .collect())
}

/// The oldest entries that no link names.
///
/// # Errors
/// When the database is away.
pub async fn loose(tx: &mut OrgTx) -> Result<Vec<ChainedEntry>, Error> {
    let org = tx.org();
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select e.id, e.xid::text as "xid!", e.actor_kind, e.actor_id, e.actor_role, e.deed, e.patient_id, e.subject,
                  e.detail, e.at, e.mark_key, e.nonce, e.mark
             from audit_entry e
            where e.org_id = $1
              and not exists (select 1 from audit_chain c where c.org_id = $1 and c.entry_id = e.id)
            order by e.id
            limit $2"#,
        org.0,
        LOOSE
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(ChainedEntry::from).collect())
}
