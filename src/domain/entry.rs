//! An entry of the record as bytes: its canonical form, the mark that proves Careline wrote it, and its hash in the chain.
//! `docs/record-format.md` says the same for outsiders.

use super::ids::OrgId;
use ciborium::Value;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Bytes of a nonce.
pub const NONCE: usize = 16;

/// The key that marks the entries of one organization, derived outside the database.
#[derive(Clone)]
pub struct EntryKey {
    name: Arc<str>,
    /// As long as a block of SHA-256, zeros behind the key (RFC 2104).
    block: Arc<Zeroizing<[u8; 64]>>,
}

impl EntryKey {
    /// A key under the name of the key it was derived from.
    #[must_use]
    pub fn new(name: &str, key: &[u8; 32]) -> Self {
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self { name: name.into(), block: Arc::new(block) }
    }

    /// The name of the key it was derived from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Marks an entry that has its number already: HMAC-SHA256 over organization, key name, nonce and every column.
    #[must_use]
    pub fn mark(&self, org: OrgId, entry: &ChainedEntry, nonce: &[u8]) -> Vec<u8> {
        self.hmac(org, entry, nonce).finalize().into_bytes().to_vec()
    }

    /// Whether the mark is of this key, for this entry.
    #[must_use]
    pub fn fits(&self, org: OrgId, entry: &ChainedEntry, mark: &EntryMark) -> bool {
        *self.name == *mark.key && self.hmac(org, entry, &mark.nonce).verify_slice(&mark.bytes).is_ok()
    }

    fn hmac(&self, org: OrgId, entry: &ChainedEntry, nonce: &[u8]) -> Hmac<Sha256> {
        let mut columns = entry.columns();
        columns.push(Value::Text(self.name.to_string()));
        columns.push(Value::Bytes(nonce.to_vec()));
        let mut hmac = <Hmac<Sha256> as KeyInit>::new(&(**self.block).into());
        hmac.update(b"careline/entry/2");
        hmac.update(org.0.as_bytes());
        hmac.update(&encoded(columns));
        hmac
    }
}

/// Proof that Careline wrote an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryMark {
    /// Name of the key it was made with.
    pub key: String,
    /// Random bytes.
    pub nonce: Vec<u8>,
    /// HMAC-SHA256.
    pub bytes: Vec<u8>,
}

/// Every column of an entry that the hash covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEntry {
    /// Its number in the table.
    pub id: i64,
    /// `staff`, `careline`, `carrier`, `operator` or `visitor`.
    pub actor_kind: String,
    /// The staff member.
    pub actor_id: Option<Uuid>,
    /// Their role when they acted.
    pub actor_role: Option<String>,
    /// What was done.
    pub deed: String,
    /// The patient it touched.
    pub patient: Option<Uuid>,
    /// The row it was about.
    pub subject: Option<Uuid>,
    /// Codes and counts.
    pub detail: BTreeMap<String, String>,
    /// When, in microseconds since 1970 UTC.
    pub at_micros: i64,
    /// The transaction that wrote it, as PostgreSQL numbers them; 0 before it is written.
    pub xid: u64,
    /// Its mark; entries from before marks have none.
    pub mark: Option<EntryMark>,
}

impl ChainedEntry {
    /// Canonical form: one CBOR array (RFC 8949, 4.2.1) of every column in this order, text and bytes with their lengths,
    /// absent values as null, details sorted by name. A marked entry has four more columns. Unequal entries have unequal
    /// forms.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut columns = self.columns();
        if let Some(mark) = &self.mark {
            columns.push(Value::Integer(self.xid.into()));
            columns.push(Value::Text(mark.key.clone()));
            columns.push(Value::Bytes(mark.nonce.clone()));
            columns.push(Value::Bytes(mark.bytes.clone()));
        }
        encoded(columns)
    }

    fn columns(&self) -> Vec<Value> {
        let bytes = |id: Option<Uuid>| id.map_or(Value::Null, |id| Value::Bytes(id.as_bytes().to_vec()));
        let text = |text: &str| Value::Text(text.to_owned());
        let detail = self.detail.iter().map(|(name, value)| (text(name), text(value))).collect();
        vec![
            Value::Integer(self.id.into()),
            text(&self.actor_kind),
            bytes(self.actor_id),
            self.actor_role.as_deref().map_or(Value::Null, text),
            text(&self.deed),
            bytes(self.patient),
            bytes(self.subject),
            Value::Map(detail),
            Value::Integer(self.at_micros.into()),
        ]
    }

    /// The hash of this entry at place `seq` of an organization's chain, after `previous`.
    #[must_use]
    pub fn hash(&self, org: OrgId, seq: i64, previous: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update([0x01]);
        hasher.update(org.0.as_bytes());
        hasher.update(seq.to_be_bytes());
        hasher.update(previous);
        hasher.update(self.canonical());
        hasher.finalize().into()
    }
}

fn encoded(columns: Vec<Value>) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(256);
    // Writing to a Vec cannot fail; an empty form would match no stored hash.
    if ciborium::into_writer(&Value::Array(columns), &mut encoded).is_err() {
        encoded.clear();
    }
    encoded
}
