//! Seals small secrets and opens them again: a fresh data key each, wrapped by a key outside the database (envelope
//! encryption), XChaCha20-Poly1305, bound to organization, table, column and row. Derives the keys that mark the record.

mod file;

pub use file::{FileReader, FileWriter};

use crate::{
    domain::{
        credential::place,
        entry::EntryKey,
        ids::{CredentialId, OrgId},
        private::Private,
        sealed::{Place, Sealed},
    },
    error::Error,
    ports::{
        Outage, OutageKind,
        keys::{Keys, Purpose, SealKey},
        llm::ModelKey,
    },
    store::marks::EntryKeys,
};
use async_trait::async_trait;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Bytes of a nonce; long enough to be random.
const NONCE: usize = 24;

/// What the key of an organization's entries is derived from, under the marking key.
const ENTRY_KEY: &[u8] = b"entry-key/1";

/// Derived keys by organization and the name that was asked for; `None` is the newest.
type Derived = BTreeMap<(OrgId, Option<String>), EntryKey>;

/// The vault. Of keys it holds only those it derived for marking entries, because every deed needs one.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<dyn Keys>,
    derived: Arc<Mutex<Derived>>,
}

impl Vault {
    /// A vault over whoever keeps the keys.
    #[must_use]
    pub fn over(keys: Arc<dyn Keys>) -> Self {
        Self { keys, derived: Arc::default() }
    }

    /// The key an organization's questions go to the model with. One of its own that cannot be opened is not replaced by
    /// another's: the model is then away.
    ///
    /// # Errors
    /// The outage that keeps it closed.
    pub async fn model_key(&self, org: OrgId, own: Option<(CredentialId, Sealed)>) -> Result<ModelKey, Outage> {
        let Some((id, sealed)) = own else { return Ok(ModelKey::Configured) };
        let bytes = self.open(place(org, id), &sealed).await?.into_revealed();
        let unreadable = || Outage { dependency: "vault", kind: OutageKind::Refused("credential".to_owned()) };
        String::from_utf8(bytes).map(|key| ModelKey::Own(Private::new(key))).map_err(|_| unreadable())
    }

    /// Who keeps the keys.
    #[must_use]
    pub fn keys(&self) -> &dyn Keys {
        &*self.keys
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// When the keys cannot be reached.
    pub async fn seal(&self, place: Place, secret: &Private<Vec<u8>>) -> Result<Sealed, Outage> {
        let key = SealKey::fresh();
        let wrapped = self.keys.wrap(place.org, &key).await?;
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: secret.reveal(), aad: &place.bound() };
        let sealed = cipher(&key).encrypt(&XNonce::from(nonce), payload).map_err(|_| unreadable())?;
        Sealed::of(&wrapped, &[nonce.as_slice(), &sealed].concat()).ok_or_else(unreadable)
    }

    /// The same value wrapped by the newest key; `None` when it is already. What is inside stays as it is.
    ///
    /// # Errors
    /// `Refused` when it cannot be opened today either; otherwise when the keys cannot be reached.
    pub async fn rewrap(&self, org: OrgId, sealed: &Sealed) -> Result<Option<Sealed>, Outage> {
        let (wrapped, rest) = sealed.parts().ok_or_else(unreadable)?;
        if wrapped.key == self.keys.wrapping_key() {
            return Ok(None);
        }
        let key = self.keys.unwrap(org, &wrapped).await?;
        let anew = self.keys.wrap(org, &key).await?;
        Sealed::of(&anew, rest).map(Some).ok_or_else(unreadable)
    }

    /// Opens a secret in its place.
    ///
    /// # Errors
    /// `Refused` when it was altered, moved, or its key is retired; otherwise when the keys cannot be reached.
    pub async fn open(&self, place: Place, sealed: &Sealed) -> Result<Private<Vec<u8>>, Outage> {
        let (wrapped, body) = sealed.parts().ok_or_else(unreadable)?;
        let (nonce, ciphertext) = body.split_first_chunk::<NONCE>().ok_or_else(unreadable)?;
        let key = self.keys.unwrap(place.org, &wrapped).await?;
        let payload = Payload { msg: ciphertext, aad: &place.bound() };
        cipher(&key).decrypt(&XNonce::from(*nonce), payload).map(Private::new).map_err(|_| unreadable())
    }
}

#[async_trait]
impl EntryKeys for Vault {
    async fn entry_key(&self, org: OrgId, name: Option<&str>) -> Result<Option<EntryKey>, Error> {
        let wanted = (org, name.map(str::to_owned));
        let known = self.derived.lock().unwrap_or_else(PoisonError::into_inner).get(&wanted).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let mark = match self.keys.mark(Purpose::Entry, org, name, ENTRY_KEY).await {
            Ok(mark) => mark,
            Err(Outage { kind: OutageKind::Refused(code), .. }) if code == "unknown_key" => return Ok(None),
            Err(outage) => return Err(outage.into()),
        };
        let key = Zeroizing::new(<[u8; 32]>::try_from(mark.bytes).map_err(|_| unreadable())?);
        let derived = EntryKey::new(&mark.key, &key);
        self.derived.lock().unwrap_or_else(PoisonError::into_inner).insert(wanted, derived.clone());
        Ok(Some(derived))
    }
}

fn cipher(key: &SealKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key.0).into())
}

fn unreadable() -> Outage {
    Outage { dependency: "vault", kind: OutageKind::Refused("sealed_value".to_owned()) }
}
