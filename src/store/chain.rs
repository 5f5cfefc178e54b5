//! The sequencer: appends to an organization's chain what is certainly complete and certainly ours.

use super::{Db, OrgTx};
use crate::{
    domain::{
        chain::{ChainedEntry, EntryMark, GENESIS, Hash, KeyRing, Marking},
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Entries chained in one transaction.
const BATCH: u32 = 2_000;

/// What one run of the sequencer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chained {
    /// How many entries; 0 means that nothing waits, or that another sequencer is at it.
    pub entries: u64,
    /// How many were looked at and not chained because they are not ours.
    pub refused: u64,
}

impl Chained {
    /// Whether the batch was as long as batches get, so that more is likely to wait.
    #[must_use]
    pub fn was_full(&self) -> bool {
        self.entries >= u64::from(BATCH)
    }
}

/// What became of one transaction of it.
enum Sequenced {
    Chained(Chained),
    /// An entry was marked with a key that is not on the ring.
    KeyWanted(String),
}

/// Chains one batch of the actor's organization, putting the keys it meets on the ring. They are fetched between
/// transactions, because keys may be behind a network.
///
/// # Errors
/// When the database or the keeper of keys is away, or the chain's end cannot be read.
pub async fn sequence(db: &Db, actor: &Actor, keys: &mut KeyRing) -> Result<Chained, Error> {
    loop {
        let mut tx = db.begin(actor).await?;
        let sequenced = sequence_in(&mut tx, keys).await?;
        tx.commit().await?;
        match sequenced {
            Sequenced::Chained(chained) => return Ok(chained),
            Sequenced::KeyWanted(name) => {
                let key = db.entry_key(actor.org, &name).await?;
                keys.insert(name, key);
            }
        }
    }
}

/// Chains new entries of the transaction's organization. Another sequencer of the same organization makes this one do
/// nothing. Of this server's entries only those older than every running transaction are taken: one that commits late would
/// otherwise be skipped for ever. An entry whose mark is wrong stays outside, where verification names it.
async fn sequence_in(tx: &mut OrgTx, keys: &KeyRing) -> Result<Sequenced, Error> {
    let org = tx.org();
    let mine = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('chain:' || $1::text, 0)) as "mine!""#,
        org.0.to_string()
    )
    .fetch_one(tx.connection())
    .await?;
    if !mine {
        return Ok(Sequenced::Chained(Chained { entries: 0, refused: 0 }));
    }
    let End { mut seq, mut head, mut place, mut marking } = end(tx).await?;
    let (mut places, mut entries, mut before, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut refused = 0;
    while places.is_empty() {
        let waiting = waiting(tx, &place).await?;
        let Some(next) = place.behind(&waiting) else { break };
        place = next;
        for entry in waiting {
            if let Some(mark) = entry.mark.as_ref().filter(|mark| !keys.contains_key(&mark.key)) {
                return Ok(Sequenced::KeyWanted(mark.key.clone()));
            }
            let Some(next) = marking.after(org, &entry, keys) else {
                refused += 1;
                continue;
            };
            marking = next;
            seq = i64::checked_add(seq, 1).ok_or_else(|| Error::Fault("the chain has no place left".to_owned()))?;
            let hash = entry.hash(org, seq, &head);
            places.push(seq);
            entries.push(entry.id);
            before.push(head.to_vec());
            hashes.push(hash.to_vec());
            head = hash;
        }
    }
    if places.is_empty() {
        return Ok(Sequenced::Chained(Chained { entries: 0, refused }));
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
    Ok(Sequenced::Chained(Chained { entries: chained.rows_affected(), refused }))
}

/// Where a chain ends.
struct End {
    seq: i64,
    head: Hash,
    place: Place,
    marking: Marking,
}

/// Behind which entry the next ones are looked for. Each server numbers transactions for itself, so numbers of two servers
/// are never compared: what another server wrote comes first, because it was committed before it was brought here.
enum Place {
    /// Among entries that another server wrote, in the order of their own numbers.
    Brought { id: i64 },
    /// Among entries of this server, in the order of its transactions.
    Here { xid: String, id: i64 },
}

impl Place {
    /// Before the first entry of this server.
    fn here() -> Self {
        Self::Here { xid: "0".to_owned(), id: 0 }
    }

    /// Where to look after these; `None` when there is nowhere else.
    fn behind(&self, waiting: &[ChainedEntry]) -> Option<Self> {
        match (self, waiting.last()) {
            (Self::Brought { .. }, Some(last)) => Some(Self::Brought { id: last.id }),
            (Self::Brought { .. }, None) => Some(Self::here()),
            (Self::Here { .. }, Some(last)) => Some(Self::Here { xid: last.xid.to_string(), id: last.id }),
            (Self::Here { .. }, None) => None,
        }
    }
}

async fn end(tx: &mut OrgTx) -> Result<End, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select c.seq, c.hash, e.id as "id?", e.xid::text as "xid?", e.mark is not null as "marked!",
                  coalesce(e.written_on = (select this_server()), false) as "here!"
             from audit_chain c
             left join audit_entry e on e.org_id = c.org_id and e.id = c.entry_id
            where c.org_id = $1
            order by c.seq desc
            limit 1"#,
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let brought = Place::Brought { id: 0 };
    let Some(row) = row else { return Ok(End { seq: 0, head: GENESIS, place: brought, marking: Marking::NotYet }) };
    let head = row.hash.try_into().map_err(|_| Error::Fault("a stored hash is not 32 bytes".to_owned()))?;
    let place = match (row.xid, row.id) {
        (Some(xid), Some(id)) if row.here => Place::Here { xid, id },
        (Some(_), Some(_)) => brought,
        // The last entry was taken away; verification names it, and nothing may be chained after a hole.
        _ => return Err(Error::Fault("the last entry of the chain is missing".to_owned())),
    };
    let marking = if row.marked { Marking::Begun } else { Marking::NotYet };
    Ok(End { seq: row.seq, head, place, marking })
}

/// The next entries to chain.
async fn waiting(tx: &mut OrgTx, place: &Place) -> Result<Vec<ChainedEntry>, Error> {
    match place {
        Place::Brought { id } => brought(tx, *id).await,
        Place::Here { xid, id } => here(tx, xid, *id).await,
    }
}

/// Entries that another server wrote, or that were there before servers were told apart: all of them are committed. They are
/// looked for only until the first entry of this server is chained.
async fn brought(tx: &mut OrgTx, after: i64) -> Result<Vec<ChainedEntry>, Error> {
    let org = tx.org();
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select e.id, e.xid::text as "xid!", e.actor_kind, e.actor_id, e.actor_role, e.deed, e.patient_id, e.subject,
                  e.detail, e.at, e.mark_key, e.nonce, e.mark
             from audit_entry e
            where e.org_id = $1
              and e.id > $2
              and e.written_on is distinct from (select this_server())
              and not exists (select 1 from audit_chain c where c.org_id = $1 and c.entry_id = e.id)
            order by e.id
            limit $3"#,
        org.0,
        after,
        i64::from(BATCH)
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(ChainedEntry::from).collect())
}

/// Entries of this server, in the order of their transactions. What is chained is a prefix of that order, so the last
/// chained entry says where to go on, however long the record is.
async fn here(tx: &mut OrgTx, xid: &str, id: i64) -> Result<Vec<ChainedEntry>, Error> {
    let org = tx.org();
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select e.id, e.xid::text as "xid!", e.actor_kind, e.actor_id, e.actor_role, e.deed, e.patient_id, e.subject,
                  e.detail, e.at, e.mark_key, e.nonce, e.mark
             from audit_entry e
            where e.org_id = $1
              and (e.xid, e.id) > ($2::text::xid8, $3)
              and e.xid < pg_snapshot_xmin(pg_current_snapshot())
              and e.written_on = (select this_server())
              and not exists (select 1 from audit_chain c where c.org_id = $1 and c.entry_id = e.id)
            order by e.xid, e.id
            limit $4"#,
        org.0,
        xid,
        id,
        i64::from(BATCH)
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(ChainedEntry::from).collect())
}

/// An entry as it is stored.
pub(super) struct EntryRow {
    pub(super) id: i64,
    pub(super) xid: String,
    pub(super) actor_kind: String,
    pub(super) actor_id: Option<Uuid>,
    pub(super) actor_role: Option<String>,
    pub(super) deed: String,
    pub(super) patient_id: Option<Uuid>,
    pub(super) subject: Option<Uuid>,
    pub(super) detail: serde_json::Value,
    pub(super) at: DateTime<Utc>,
    pub(super) mark_key: Option<String>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) mark: Option<Vec<u8>>,
}

impl From<EntryRow> for ChainedEntry {
    fn from(row: EntryRow) -> Self {
        // A mark with a missing part is no mark.
        let mark = match (row.mark_key, row.nonce, row.mark) {
            (Some(key), Some(nonce), Some(bytes)) => Some(EntryMark { key, nonce, bytes }),
            _ => None,
        };
        Self {
            id: row.id,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_role: row.actor_role,
            deed: row.deed,
            patient: row.patient_id,
            subject: row.subject,
            detail: detail(&row.detail),
            at_micros: row.at.timestamp_micros(),
            xid: row.xid.parse().unwrap_or_default(),
            mark,
        }
    }
}

/// Details are text by name; anything else was not written by us, and is hashed as the text it now is.
fn detail(stored: &serde_json::Value) -> BTreeMap<String, String> {
    match BTreeMap::<String, String>::deserialize(stored) {
        Ok(detail) => detail,
        Err(_) => BTreeMap::from([(String::new(), stored.to_string())]),
    }
}
