//! Seals small secrets and opens them again: a fresh data key each, wrapped by a key outside the database (envelope
//! encryption), XChaCha20-Poly1305, bound to organization, table, column and row.

mod file;

pub use file::{FileReader, FileWriter};

use crate::{
    domain::{
        private::Private,
        sealed::{Place, Sealed},
    },
    ports::{
        Outage, OutageKind,
        keys::{Keys, SealKey},
    },
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use std::sync::Arc;

/// Bytes of a nonce; long enough to be random.
const NONCE: usize = 24;

/// The vault. It holds no key itself.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<dyn Keys>,
}

impl Vault {
    /// A vault over whoever keeps the keys.
    #[must_use]
    pub const fn over(keys: Arc<dyn Keys>) -> Self {
        Self { keys }
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

fn cipher(key: &SealKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key.0).into())
}

fn unreadable() -> Outage {
    Outage { dependency: "vault", kind: OutageKind::Refused("sealed_value".to_owned()) }
}
