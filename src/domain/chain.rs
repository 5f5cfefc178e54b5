//! The hash chain of the record: how one hash follows another, whose marks entries carry, and what verifying can find.

pub use super::entry::{ChainedEntry, EntryKey, EntryMark, Hash};

use super::ids::OrgId;
use std::{collections::BTreeMap, fmt};

/// What the first entry follows.
pub const GENESIS: Hash = [0; 32];

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
    /// The entry does not carry the mark that Careline gives its entries: somebody else wrote or changed it.
    WrongMark {
        /// Its place; `None` when it was not chained.
        seq: Option<i64>,
        /// Its number.
        entry: i64,
    },
    /// A signed checkpoint and the chain do not agree.
    Checkpoint {
        /// The links the checkpoint covers.
        size: i64,
        /// How they disagree.
        why: CheckpointFault,
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
            Self::WrongMark { seq: Some(seq), entry } => {
                write!(f, "entry {entry} (place {seq}) was not written by Careline")
            }
            Self::WrongMark { seq: None, entry } => {
                write!(f, "entry {entry} (not chained) was not written by Careline")
            }
            Self::Checkpoint { size, why } => write!(f, "the checkpoint of {size} entries: {why}"),
            Self::Unchained { entry, seconds } => write!(f, "entry {entry} has waited {seconds} s to be chained"),
        }
    }
}

/// How a checkpoint and the chain disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointFault {
    /// The chain ends before it: its end was cut off.
    Cut,
    /// The chain has another hash there: it was rewritten.
    Rewritten,
    /// It does not follow the checkpoint before it.
    OutOfLine,
    /// Its note does not say what its row says, or is no note.
    Unreadable,
    /// It is not signed by a key of ours.
    NotOurs,
    /// The second place has another one of the same size.
    Doubled,
    /// The second place has it and the database does not.
    Removed,
    /// The second place had it and does not have it any more.
    Unwitnessed,
}

impl fmt::Display for CheckpointFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "the chain ends before it, so its end was cut off",
            Self::Rewritten => "the chain has another hash there, so it was rewritten",
            Self::OutOfLine => "it does not follow the checkpoint before it",
            Self::Unreadable => "its note does not say what its row says",
            Self::NotOurs => "no key of ours signed it",
            Self::Doubled => "the second place has another one of the same size",
            Self::Removed => "it was removed from the database; the second place has it",
            Self::Unwitnessed => "the second place had it and has it no more",
        })
    }
}

/// What verifying a chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Entries that were verified.
    pub entries: i64,
    /// The hash of the last one.
    pub head: Hash,
    /// Signed checkpoints that agree with it.
    pub checkpoints: i64,
    /// Whether the second place was asked.
    pub witness: Witness,
    /// The first thing wrong.
    pub fault: Option<ChainFault>,
}

/// What the second place had to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// Its checkpoints were compared; a difference is a fault.
    Heard,
    /// It could not be read: checkpoints of the database alone were compared.
    Away,
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

/// Keys that mark entries, by the name of the key they were derived from; `None` for a name that no key of ours has.
pub type KeyRing = BTreeMap<String, Option<EntryKey>>;

/// Whether entries must be marked by now: those from before marks come before every marked one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// No marked entry was met.
    NotYet,
    /// From here on every entry is marked.
    Begun,
}

impl Marking {
    /// Looks at the next entry; `None` when it was not written by us.
    #[must_use]
    pub fn after(self, org: OrgId, entry: &ChainedEntry, keys: &KeyRing) -> Option<Self> {
        match (&entry.mark, self) {
            (None, Self::NotYet) => Some(Self::NotYet),
            (None, Self::Begun) => None,
            (Some(mark), Self::NotYet | Self::Begun) => {
                let fits = keys.get(&mark.key).and_then(Option::as_ref).is_some_and(|key| key.fits(org, entry, mark));
                fits.then_some(Self::Begun)
            }
        }
    }
}

/// Walks a chain link by link, recomputing every hash and every mark.
#[derive(Clone, Debug)]
pub struct ChainWalk {
    org: OrgId,
    seq: i64,
    head: Hash,
    marking: Marking,
}

impl ChainWalk {
    /// Starts before the first link.
    #[must_use]
    pub const fn new(org: OrgId) -> Self {
        Self { org, seq: 0, head: GENESIS, marking: Marking::NotYet }
    }

    /// Takes the next link. A key that is not on the ring marks nothing of ours.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn step(&mut self, link: &Link, keys: &KeyRing) -> Result<(), ChainFault> {
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
        let marking = self.marking.after(self.org, stored, keys);
        self.marking = marking.ok_or(ChainFault::WrongMark { seq: Some(seq), entry })?;
        self.seq = seq;
        self.head = hash;
        Ok(())
    }

    /// The last place that was verified.
    #[must_use]
    pub const fn seq(&self) -> i64 {
        self.seq
    }

    /// The hash of the last place that was verified.
    #[must_use]
    pub const fn head(&self) -> &Hash {
        &self.head
    }

    /// Whether entries are marked from here on.
    #[must_use]
    pub const fn marking(&self) -> Marking {
        self.marking
    }
}
