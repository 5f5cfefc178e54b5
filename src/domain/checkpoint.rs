//! A signed checkpoint: how long an organization's chain is and how it ends, as a text that Careline signs and keeps in a
//! second place. The form is that of a transparency log's checkpoint (C2SP tlog-checkpoint, signed-note); the root is the
//! hash of the chain's last link and not that of a Merkle tree.

use super::{
    chain::{ChainFault, CheckpointFault},
    entry::Hash,
    ids::OrgId,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// What the first checkpoint follows.
pub const NO_CHECKPOINT: Hash = [0; 32];
/// The algorithm byte of Ed25519 in a signed note.
const ED25519: u8 = 0x01;

/// The public half of a key that signs checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name.
    pub name: String,
    /// Ed25519, RFC 8032.
    pub bytes: [u8; 32],
}

impl PublicKey {
    /// Its name in a note: no spaces and no `+`.
    #[must_use]
    pub fn note_name(&self) -> String {
        let plain = |c: char| if c.is_whitespace() || c == '+' { '_' } else { c };
        format!("careline-{}", self.name.chars().map(plain).collect::<String>())
    }

    /// The first four bytes of SHA-256 over name, newline, algorithm and key (C2SP signed-note).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.note_name());
        hasher.update([b'\n', ED25519]);
        hasher.update(self.bytes);
        let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
        [a, b, c, d]
    }

    /// As one line that verifiers take (C2SP signed-note): name, id and key, with `+` between.
    #[must_use]
    pub fn line(&self) -> String {
        let key = [[ED25519].as_slice(), &self.bytes].concat();
        format!("{}+{}+{}", self.note_name(), hex::encode(self.id()), BASE64_STANDARD.encode(key))
    }
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain.
    pub org: OrgId,
    /// Its links.
    pub size: i64,
    /// The hash of the last one.
    pub root: Hash,
    /// SHA-256 of the note before; zeros before the first.
    pub previous: Hash,
    /// When it was made.
    pub at: DateTime<Utc>,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "careline/{}\n{}\n{}\nprevious {}\nat {}\n",
            self.org,
            self.size,
            BASE64_STANDARD.encode(self.root),
            BASE64_STANDARD.encode(self.previous),
            self.at.to_rfc3339_opts(SecondsFormat::Micros, true)
        )
    }

    /// The signed note: the text, an empty line, and the signature of its key.
    #[must_use]
    pub fn note(&self, key: &PublicKey, signature: &[u8]) -> String {
        let signed = [key.id().as_slice(), signature].concat();
        format!("{}\n\u{2014} {} {}\n", self.text(), key.note_name(), BASE64_STANDARD.encode(signed))
    }

    /// Reads a note that one of these keys signed.
    ///
    /// # Errors
    /// `Unreadable` when it is no note as we write them, `NotOurs` when none of the keys signed it.
    pub fn read(org: OrgId, note: &str, keys: &[PublicKey]) -> Result<(Self, PublicKey), CheckpointFault> {
        let lines: Vec<&str> = note.split('\n').collect();
        let [origin, size, root, previous, at, "", signed, ""] = lines.as_slice() else {
            return Err(CheckpointFault::Unreadable);
        };
        if *origin != format!("careline/{org}") {
            return Err(CheckpointFault::Unreadable);
        }
        let checkpoint = Self {
            org,
            size: size.parse().map_err(|_| CheckpointFault::Unreadable)?,
            root: hash(root)?,
            previous: hash(previous.strip_prefix("previous ").ok_or(CheckpointFault::Unreadable)?)?,
            at: at.strip_prefix("at ").and_then(|at| at.parse().ok()).ok_or(CheckpointFault::Unreadable)?,
        };
        let mut words = signed.split(' ');
        let (Some("\u{2014}"), Some(name), Some(signed), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(CheckpointFault::Unreadable);
        };
        let signed = BASE64_STANDARD.decode(signed).map_err(|_| CheckpointFault::Unreadable)?;
        let (id, signature) = signed.split_first_chunk::<4>().ok_or(CheckpointFault::Unreadable)?;
        let key = keys.iter().find(|key| key.id() == *id && key.note_name() == name).ok_or(CheckpointFault::NotOurs)?;
        let verifying = VerifyingKey::from_bytes(&key.bytes).map_err(|_| CheckpointFault::NotOurs)?;
        let signature = Signature::from_slice(signature).map_err(|_| CheckpointFault::Unreadable)?;
        // A text that is not byte for byte what we would write is not what was signed.
        verifying.verify_strict(checkpoint.text().as_bytes(), &signature).map_err(|_| CheckpointFault::NotOurs)?;
        if checkpoint.note(key, &signature.to_bytes()) != note {
            return Err(CheckpointFault::Unreadable);
        }
        Ok((checkpoint, key.clone()))
    }
}

fn hash(text: &str) -> Result<Hash, CheckpointFault> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| CheckpointFault::Unreadable)?;
    Hash::try_from(bytes).map_err(|_| CheckpointFault::Unreadable)
}

/// The hash by which the next checkpoint names this note.
#[must_use]
pub fn note_hash(note: &str) -> Hash {
    Sha256::digest(note).into()
}

/// A checkpoint as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Links covered.
    pub size: i64,
    /// The hash of the last one.
    pub root: Vec<u8>,
    /// SHA-256 of the note before.
    pub previous: Vec<u8>,
    /// The signed note.
    pub note: String,
    /// Name of the key.
    pub signed_by: String,
    /// The key.
    pub public_key: Vec<u8>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// When the second place had it.
    pub witnessed_at: Option<DateTime<Utc>>,
}

/// Walks the checkpoints beside the chain.
#[derive(Clone, Debug)]
pub struct CheckpointWalk {
    org: OrgId,
    keys: Vec<PublicKey>,
    previous: Hash,
    count: i64,
}

impl CheckpointWalk {
    /// Starts before the first checkpoint, with the keys that may have signed.
    #[must_use]
    pub const fn new(org: OrgId, keys: Vec<PublicKey>) -> Self {
        Self { org, keys, previous: NO_CHECKPOINT, count: 0 }
    }

    /// Takes the next checkpoint, with the hash the chain has at its size.
    ///
    /// # Errors
    /// How it and the chain, or it and the checkpoint before it, disagree.
    pub fn step(&mut self, stored: &StoredCheckpoint, head: &Hash) -> Result<(), ChainFault> {
        let fault = |why| ChainFault::Checkpoint { size: stored.size, why };
        let (checkpoint, key) = Checkpoint::read(self.org, &stored.note, &self.keys).map_err(fault)?;
        let says_its_row = checkpoint.size == stored.size
            && checkpoint.root.as_slice() == stored.root
            && checkpoint.previous.as_slice() == stored.previous
            && checkpoint.at == stored.made_at
            && key.name == stored.signed_by
            && key.bytes.as_slice() == stored.public_key;
        if !says_its_row {
            return Err(fault(CheckpointFault::Unreadable));
        }
        if checkpoint.root != *head {
            return Err(fault(CheckpointFault::Rewritten));
        }
        if checkpoint.previous != self.previous {
            return Err(fault(CheckpointFault::OutOfLine));
        }
        self.previous = note_hash(&stored.note);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// How many were taken.
    #[must_use]
    pub const fn count(&self) -> i64 {
        self.count
    }
}
