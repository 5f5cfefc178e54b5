//! Keys that never enter the database: they wrap data keys, mark what must not be forged, and sign checkpoints.

use super::Outage;
use crate::domain::{checkpoint::PublicKey, ids::OrgId, sealed::WrappedKey};
use async_trait::async_trait;
use zeroize::Zeroizing;

/// A key that encrypts one file, credential or secret; wiped from memory when it is dropped.
#[derive(Clone)]
pub struct SealKey(pub Zeroizing<[u8; 32]>);

impl SealKey {
    /// A fresh one.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Zeroizing::new(rand::random()))
    }
}

/// What a mark is for; a mark for one purpose never fits another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Pepper of a password.
    Password,
    /// An entry of the record, until the chain covers it.
    Entry,
    /// Finding a sealed value again without opening it.
    Lookup,
    /// A code that is too short to be hashed alone.
    Code,
}

/// HMAC-SHA256 under a key outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Name of the key.
    pub key: String,
    /// 32 bytes.
    pub bytes: Vec<u8>,
}

/// An Ed25519 signature (RFC 8032).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub key: String,
    /// 32 bytes of the public key.
    pub public: Vec<u8>,
    /// 64 bytes.
    pub bytes: Vec<u8>,
}

/// Who keeps the keys: a file, the environment, HashiCorp Vault Transit, a cloud's key management.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Name of the key that wraps now.
    fn wrapping_key(&self) -> String;

    /// Wraps a seal key under the newest key, bound to the organization.
    async fn wrap(&self, org: OrgId, key: &SealKey) -> Result<WrappedKey, Outage>;

    /// Unwraps a seal key.
    ///
    /// # Errors
    /// `Refused` when its key is retired or unknown, or the wrapping is not of this organization or was altered.
    async fn unwrap(&self, org: OrgId, wrapped: &WrappedKey) -> Result<SealKey, Outage>;

    /// Marks bytes of one organization. `key` is the name of an earlier key, or `None` for the newest.
    ///
    /// # Errors
    /// `Refused("unknown_key")` when no key has that name.
    async fn mark(&self, purpose: Purpose, org: OrgId, key: Option<&str>, bytes: &[u8]) -> Result<Mark, Outage>;

    /// Signs bytes with the newest signing key.
    async fn sign(&self, bytes: &[u8]) -> Result<Signature, Outage>;

    /// The public halves of the signing keys, newest first: those that signed before are still believed.
    async fn signers(&self) -> Result<Vec<PublicKey>, Outage>;
}
