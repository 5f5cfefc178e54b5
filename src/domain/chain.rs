//! The hash chain of the record: how an entry is encoded, how one hash follows another, and what verifying can find.

use super::ids::OrgId;
use ciborium::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// A SHA-256.
pub type Hash = [u8; 32];

/// What the first entry follows.
pub const GENESIS: Hash = [0; 32];

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
}

impl ChainedEntry {
    /// Canonical form: one CBOR array (RFC 8949) of every column in this order, text and bytes with their lengths, absent
    /// values as null, details sorted by name. Unequal entries have unequal forms.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let bytes = |id: Option<Uuid>| id.map_or(Value::Null, |id| Value::Bytes(id.as_bytes().to_vec()));
        let text = |text: &str| Value::Text(text.to_owned());
        let detail = self.detail.iter().map(|(name, value)| (text(name), text(value))).collect();
        let columns = Value::Array(vec![
            Value::Integer(self.id.into()),
            text(&self.actor_kind),
            bytes(self.actor_id),
            self.actor_role.as_deref().map_or(Value::Null, text),
            text(&self.deed),
            bytes(self.patient),
            bytes(self.subject),
            Value::Map(detail),
            Value::Integer(self.at_micros.into()),
        ]);
        let mut encoded = Vec::with_capacity(256);
        // Writing to a Vec cannot fail; an empty form would match no stored hash.
        if ciborium::into_writer(&columns, &mut encoded).is_err() {
            encoded.clear();
        }
        encoded
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

/// The first thing wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// A place in the chain is empty.
    Gap {
        /// The place that should come next.
        expected: i64,
        /// The place that does.
        found: i64,
    },
    /// The chain names an entry that is not there.
    Missing {
        /// Its place.
        seq: i64,
        /// Its number.
        entry: i64,
    },
    /// The entry is not what was chained, or the chain was rewritten here.
    Altered {
        /// Its place.
        seq: i64,
        /// Its number.
        entry: i64,
    },
    /// An entry has waited too long to be chained.
    Unchained {
        /// Its number.
        entry: i64,
        /// For how long, in seconds.
        seconds: i64,
    },
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { expected, found } => write!(f, "place {expected} of the chain is empty; {found} comes next"),
            Self::Missing { seq, entry } => write!(f, "entry {entry} (place {seq}) has been removed"),
            Self::Altered { seq, entry } => write!(f, "entry {entry} (place {seq}) is not what was recorded"),
            Self::Unchained { entry, seconds } => write!(f, "entry {entry} has waited {seconds} s to be chained"),
        }
    }
}

/// What verifying a chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Entries that were verified.
    pub entries: i64,
    /// The hash of the last one.
    pub head: Hash,
    /// The first thing wrong.
    pub fault: Option<ChainFault>,
}

/// One link as stored: its place, the entry it names, the entry if it is there, and the stored hashes.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its place.
    pub seq: i64,
    /// The entry's number.
    pub entry_id: i64,
    /// The entry.
    pub entry: Option<ChainedEntry>,
    /// The stored hash before it.
    pub previous: Vec<u8>,
    /// The stored hash.
    pub hash: Vec<u8>,
}

/// Walks a chain link by link, recomputing every hash.
#[derive(Clone, Debug)]
pub struct ChainWalk {
    org: OrgId,
    seq: i64,
    head: Hash,
}

impl ChainWalk {
    /// Starts before the first link.
    #[must_use]
    pub const fn new(org: OrgId) -> Self {
        Self { org, seq: 0, head: GENESIS }
    }

    /// Takes the next link.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn step(&mut self, link: &Link) -> Result<(), ChainFault> {
        let expected = self.seq.saturating_add(1);
        if link.seq != expected {
            return Err(ChainFault::Gap { expected, found: link.seq });
        }
        let (seq, entry) = (link.seq, link.entry_id);
        let Some(stored) = &link.entry else { return Err(ChainFault::Missing { seq, entry }) };
        let hash = stored.hash(self.org, seq, &self.head);
        if link.previous.as_slice() != self.head.as_slice() || link.hash.as_slice() != hash.as_slice() {
            return Err(ChainFault::Altered { seq, entry });
        }
        self.seq = seq;
        self.head = hash;
        Ok(())
    }

    /// How far it came.
    #[must_use]
    pub const fn report(&self, fault: Option<ChainFault>) -> ChainReport {
        ChainReport { entries: self.seq, head: self.head, fault }
    }

    /// The last place that was verified.
    #[must_use]
    pub const fn seq(&self) -> i64 {
        self.seq
    }
}
