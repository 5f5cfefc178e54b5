//! Signed checkpoints, what the second place has of them, and what the calendar's verifications found.

use super::{OrgTx, chain_pages::ON_A_PAGE};
use crate::{
    domain::{
        chain::{ChainReport, Hash},
        checkpoint::{Checkpoint, NO_CHECKPOINT, PublicKey, StoredCheckpoint, note_hash},
        ids::StaffId,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Checkpoints looked at in one go when the second place was away.
const AT_ONCE: i64 = 200;

/// Where the chain and its checkpoints end.
#[derive(Clone, Debug)]
pub struct Ends {
    /// Links of the chain.
    pub size: i64,
    /// The hash of the last one.
    pub root: Vec<u8>,
    /// The last checkpoint.
    pub last: Option<StoredCheckpoint>,
}

/// Both ends; `None` while nothing is chained.
///
/// # Errors
/// When the database is away.
pub async fn ends(tx: &mut OrgTx) -> Result<Option<Ends>, Error> {
    let org = tx.org();
    let head = sqlx::query!("select seq, hash from audit_chain where org_id = $1 order by seq desc limit 1", org.0)
        .fetch_optional(tx.connection())
        .await?;
    let Some(head) = head else { return Ok(None) };
    let last = last(tx).await?;
    Ok(Some(Ends { size: head.seq, root: head.hash, last }))
}

/// The last checkpoint.
///
/// # Errors
/// When the database is away.
pub async fn last(tx: &mut OrgTx) -> Result<Option<StoredCheckpoint>, Error> {
    let org = tx.org();
    let stored = sqlx::query_as!(
        StoredCheckpoint,
        r#"select p.size, p.root, p.previous, p.note, p.signed_by, p.public_key, p.made_at, w.at as "witnessed_at?"
             from checkpoint p
             left join checkpoint_witness w on w.org_id = p.org_id and w.size = p.size
            where p.org_id = $1
            order by p.size desc
            limit 1"#,
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(stored)
}

/// Keeps a checkpoint, unless another process kept one since the one it follows.
///
/// # Errors
/// When the database is away.
pub async fn keep(tx: &mut OrgTx, checkpoint: &Checkpoint, note: &str, key: &PublicKey) -> Result<bool, Error> {
    let org = tx.org();
    sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended('checkpoint:' || $1::text, 0)) is null as "waited!""#,
        org.0.to_string()
    )
    .fetch_one(tx.connection())
    .await?;
    let before: Hash = last(tx).await?.map_or(NO_CHECKPOINT, |last| note_hash(&last.note));
    if before != checkpoint.previous {
        return Ok(false);
    }
    let kept = sqlx::query!(
        "insert into checkpoint (org_id, size, root, previous, note, signed_by, public_key, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (org_id, size) do nothing",
        org.0,
        checkpoint.size,
        checkpoint.root.as_slice(),
        checkpoint.previous.as_slice(),
        note,
        key.name,
        key.bytes.as_slice(),
        checkpoint.at
    )
    .execute(tx.connection())
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// The checkpoints that the second place does not have yet, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn unwitnessed(tx: &mut OrgTx) -> Result<Vec<StoredCheckpoint>, Error> {
    let org = tx.org();
    let waiting = sqlx::query_as!(
        StoredCheckpoint,
        r#"select p.size, p.root, p.previous, p.note, p.signed_by, p.public_key, p.made_at,
                  null::timestamptz as witnessed_at
             from checkpoint p
            where p.org_id = $1
              and not exists (select 1 from checkpoint_witness w where w.org_id = p.org_id and w.size = p.size)
            order by p.size
            limit $2"#,
        org.0,
        AT_ONCE
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(waiting)
}

/// Remembers that the second place has a checkpoint.
///
/// # Errors
/// When the database is away.
pub async fn witnessed(tx: &mut OrgTx, size: i64, at: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into checkpoint_witness (org_id, size, at)
         values ($1, $2, $3)
         on conflict (org_id, size) do nothing",
        org.0,
        size,
        at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The checkpoints after a size, in their order, a page of them at most.
///
/// # Errors
/// When the database is away.
pub async fn after(tx: &mut OrgTx, size: i64) -> Result<Vec<StoredCheckpoint>, Error> {
    let org = tx.org();
    let page = sqlx::query_as!(
        StoredCheckpoint,
        r#"select p.size, p.root, p.previous, p.note, p.signed_by, p.public_key, p.made_at, w.at as "witnessed_at?"
             from checkpoint p
             left join checkpoint_witness w on w.org_id = p.org_id and w.size = p.size
            where p.org_id = $1
              and p.size > $2
            order by p.size
            limit $3"#,
        org.0,
        size,
        ON_A_PAGE
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(page)
}

/// What a verification by the calendar found.
#[derive(Clone, Debug)]
pub struct RecordCheck {
    /// When.
    pub at: DateTime<Utc>,
    /// Entries that were verified.
    pub entries: i64,
    /// The first thing wrong; `None` is "whole".
    pub fault: Option<String>,
}

/// The last verification by the calendar.
///
/// # Errors
/// When the database is away.
pub async fn last_check(tx: &mut OrgTx) -> Result<Option<RecordCheck>, Error> {
    let org = tx.org();
    let check = sqlx::query_as!(
        RecordCheck,
        "select at, entries, fault from record_check where org_id = $1 order by at desc limit 1",
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(check)
}

/// Keeps what a verification by the calendar found.
///
/// # Errors
/// When the database is away.
pub async fn checked(tx: &mut OrgTx, report: &ChainReport, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into record_check (org_id, at, entries, fault)
         values ($1, $2, $3, $4)
         on conflict (org_id, at) do nothing",
        org.0,
        now,
        report.entries,
        report.fault.as_ref().map(ToString::to_string)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Who is told when the record is not well: every admin and auditor.
///
/// # Errors
/// When the database is away.
pub async fn keepers(tx: &mut OrgTx) -> Result<Vec<StaffId>, Error> {
    let org = tx.org();
    let keepers = sqlx::query_scalar!(
        "select id from staff_member where org_id = $1 and active and role in ('admin', 'auditor') order by id",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(keepers.into_iter().map(StaffId).collect())
}
