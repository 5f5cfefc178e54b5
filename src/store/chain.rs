//! The chain over the record: one sequencer per organization appends what is certainly complete, and a walk recomputes
//! every hash.

use super::OrgTx;
use crate::{
    domain::chain::{ChainFault, ChainReport, ChainWalk, ChainedEntry, GENESIS, Hash, Link},
    error::Error,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Entries chained in one transaction.
const BATCH: i64 = 1000;
/// After this an entry that is still not chained is a fault.
pub const TAIL_SECONDS: i64 = 60;

/// Chains new entries; returns how many. Another sequencer of the same organization makes this one do nothing. Only
/// entries older than every running transaction are taken: one that commits late would otherwise be skipped for ever.
///
/// # Errors
/// When the database is away.
pub async fn sequence(tx: &mut OrgTx) -> Result<u64, Error> {
    let org = tx.org();
    let mine = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('chain:' || $1::text, 0)) as "mine!""#,
        org.0.to_string()
    )
    .fetch_one(tx.connection())
    .await?;
    if !mine {
        return Ok(0);
    }
    let (mut seq, mut head) = last(tx).await?;
    let (mut places, mut entries, mut before, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entry in waiting(tx).await? {
        seq += 1;
        let hash = entry.hash(org, seq, &head);
        places.push(seq);
        entries.push(entry.id);
        before.push(head.to_vec());
        hashes.push(hash.to_vec());
        head = hash;
    }
    let chained = sqlx::query!(
        "insert into audit_chain (org_id, seq, entry_id, previous, hash)
         select $1, link.seq, link.entry_id, link.previous, link.hash
           from unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[]) as link(seq, entry_id, previous, hash)",
        org.0,
        &places,
        &entries,
        &before,
        &hashes
    )
    .execute(tx.connection())
    .await?;
    Ok(chained.rows_affected())
}

async fn last(tx: &mut OrgTx) -> Result<(i64, Hash), Error> {
    let org = tx.org();
    let row = sqlx::query!("select seq, hash from audit_chain where org_id = $1 order by seq desc limit 1", org.0)
        .fetch_optional(tx.connection())
        .await?;
    match row {
        None => Ok((0, GENESIS)),
        Some(row) => {
            let hash = row.hash.try_into().map_err(|_| Error::Fault("a stored hash is not 32 bytes".to_owned()))?;
            Ok((row.seq, hash))
        }
    }
}

/// The next entries to chain, in the order of their transactions. What is chained is always a prefix of that order, so
/// the last chained entry says where to go on, however long the record is.
async fn waiting(tx: &mut OrgTx) -> Result<Vec<ChainedEntry>, Error> {
    let org = tx.org();
    let last = sqlx::query!(
        r#"select e.xid::text as "xid!", e.id
             from audit_chain c
             join audit_entry e on e.org_id = c.org_id and e.id = c.entry_id
            where c.org_id = $1
            order by c.seq desc
            limit 1"#,
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let (xid, id) = last.map_or_else(|| ("0".to_owned(), 0), |last| (last.xid, last.id));
    let rows = sqlx::query!(
        "select id, actor_kind, actor_id, actor_role, deed, patient_id, subject, detail, at
           from audit_entry
          where org_id = $1
            and (xid, id) > ($2::text::xid8, $3)
            and xid < pg_snapshot_xmin(pg_current_snapshot())
          order by xid, id
          limit $4",
        org.0,
        xid,
        id,
        BATCH
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ChainedEntry {
            id: row.id,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_role: row.actor_role,
            deed: row.deed,
            patient: row.patient_id,
            subject: row.subject,
            detail: detail(&row.detail),
            at_micros: row.at.timestamp_micros(),
        })
        .collect())
}

/// Walks the whole chain of the organization, then looks at what is not chained yet.
///
/// # Errors
/// When the database is away; what is wrong with the chain is in the report.
pub async fn verify(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<ChainReport, Error> {
    let mut walk = ChainWalk::new(tx.org());
    loop {
        let links = links_after(tx, walk.seq()).await?;
        if links.is_empty() {
            break;
        }
        for link in &links {
            if let Err(fault) = walk.step(link) {
                return Ok(walk.report(Some(fault)));
            }
        }
    }
    Ok(walk.report(tail(tx, now).await?))
}

async fn links_after(tx: &mut OrgTx, seq: i64) -> Result<Vec<Link>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select c.seq, c.entry_id, c.previous, c.hash,
                  e.id as "id?", e.actor_kind as "actor_kind?", e.actor_id as "actor_id?", e.actor_role as "actor_role?",
                  e.deed as "deed?", e.patient_id as "patient_id?", e.subject as "subject?", e.detail as "detail?",
                  e.at as "at?"
             from audit_chain c
             left join audit_entry e on e.org_id = c.org_id and e.id = c.entry_id
            where c.org_id = $1
              and c.seq > $2
            order by c.seq
            limit $3"#,
        org.0,
        seq,
        BATCH
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let entry = match (row.id, row.actor_kind, row.deed, row.detail, row.at) {
                (Some(id), Some(actor_kind), Some(deed), Some(stored), Some(at)) => Some(ChainedEntry {
                    id,
                    actor_kind,
                    actor_id: row.actor_id,
                    actor_role: row.actor_role,
                    deed,
                    patient: row.patient_id,
                    subject: row.subject,
                    detail: detail(&stored),
                    at_micros: at.timestamp_micros(),
                }),
                _ => None,
            };
            Link { seq: row.seq, entry_id: row.entry_id, entry, previous: row.previous, hash: row.hash }
        })
        .collect())
}

async fn tail(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Option<ChainFault>, Error> {
    let org = tx.org();
    let oldest = sqlx::query!(
        "select e.id, e.at
           from audit_entry e
          where e.org_id = $1
            and not exists (select 1 from audit_chain c where c.org_id = $1 and c.entry_id = e.id)
          order by e.id
          limit 1",
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(oldest
        .map(|row| (row.id, (now - row.at).num_seconds()))
        .filter(|(_, seconds)| *seconds > TAIL_SECONDS)
        .map(|(entry, seconds)| ChainFault::Unchained { entry, seconds }))
}

/// Details are text by name; anything else was not written by us, and is hashed as the text it now is.
fn detail(stored: &serde_json::Value) -> BTreeMap<String, String> {
    match BTreeMap::<String, String>::deserialize(stored) {
        Ok(detail) => detail,
        Err(_) => BTreeMap::from([(String::new(), stored.to_string())]),
    }
}
