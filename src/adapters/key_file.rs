//! Keys in a file that only the operator and Careline can read. `careline keys new` makes one; a backup of it belongs in
//! another place than a backup of the database.

use crate::{
    domain::{checkpoint::PublicKey, ids::OrgId, private::Private, sealed::WrappedKey},
    ports::{
        Outage, OutageKind,
        keys::{Keys, Mark, Purpose, SealKey, Signature},
    },
};
use async_trait::async_trait;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// One key as the file holds it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedKey {
    name: String,
    /// 32 bytes, hexadecimal.
    key: String,
}

/// The file: each list newest first.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    wrapping: Vec<NamedKey>,
    marking: Vec<NamedKey>,
    signing: Vec<NamedKey>,
}

/// A key in memory.
struct Held {
    name: String,
    key: Zeroizing<[u8; 32]>,
}

/// The keys of a file.
pub struct KeyFile {
    wrapping: Vec<Held>,
    marking: Vec<Held>,
    signing: Vec<Held>,
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadKeyFile(&'static str);

impl KeyFile {
    /// The text of a new file with fresh keys.
    #[must_use]
    pub fn fresh() -> Private<String> {
        let one =
            |name: &str| vec![NamedKey { name: format!("{name}1"), key: hex::encode(rand::random::<[u8; 32]>()) }];
        let written = Written { wrapping: one("w"), marking: one("m"), signing: one("s") };
        Private::new(serde_json::to_string_pretty(&written).unwrap_or_default())
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Says what is wrong, without repeating a key.
    pub fn read(text: &str) -> Result<Self, BadKeyFile> {
        let written: Written = serde_json::from_str(text)
            .map_err(|_| BadKeyFile("it is not a key file; make one with `careline keys new FILE`"))?;
        Ok(Self {
            wrapping: held(&written.wrapping)?,
            marking: held(&written.marking)?,
            signing: held(&written.signing)?,
        })
    }
}

fn held(written: &[NamedKey]) -> Result<Vec<Held>, BadKeyFile> {
    if written.is_empty() {
        return Err(BadKeyFile("a list of keys is empty; each of wrapping, marking and signing needs one"));
    }
    written
        .iter()
        .map(|one| {
            let mut key = Zeroizing::new([0; 32]);
            hex::decode_to_slice(&one.key, key.as_mut_slice())
                .map_err(|_| BadKeyFile("a key is not 64 hexadecimal digits"))?;
            if one.name.is_empty() || one.name.len() > 64 {
                return Err(BadKeyFile("a key's name has 1 to 64 characters"));
            }
            if key.iter().all(|byte| Some(byte) == key.first()) {
                return Err(BadKeyFile(
                    "a key repeats one byte, so it is no secret; make keys with `careline keys new FILE`",
                ));
            }
            Ok(Held { name: one.name.clone(), key })
        })
        .collect()
}

fn newest(keys: &[Held]) -> Result<&Held, Outage> {
    keys.first().ok_or_else(|| refused("no_key"))
}

fn named<'a>(keys: &'a [Held], name: &str) -> Result<&'a Held, Outage> {
    keys.iter().find(|held| held.name == name).ok_or_else(|| refused("unknown_key"))
}

fn refused(code: &str) -> Outage {
    Outage { dependency: "keys", kind: OutageKind::Refused(code.to_owned()) }
}

fn bound(org: OrgId, name: &str) -> Vec<u8> {
    format!("careline/data-key/{org}/{name}").into_bytes()
}

#[async_trait]
impl Keys for KeyFile {
    fn wrapping_key(&self) -> String {
        self.wrapping.first().map(|held| held.name.clone()).unwrap_or_default()
    }

    async fn wrap(&self, org: OrgId, key: &SealKey) -> Result<WrappedKey, Outage> {
        let held = newest(&self.wrapping)?;
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: key.0.as_slice(), aad: &bound(org, &held.name) };
        let wrapped = XChaCha20Poly1305::new(&(*held.key).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| refused("wrap"))?;
        Ok(WrappedKey { key: held.name.clone(), bytes: [nonce.as_slice(), &wrapped].concat() })
    }

    async fn unwrap(&self, org: OrgId, wrapped: &WrappedKey) -> Result<SealKey, Outage> {
        let held = named(&self.wrapping, &wrapped.key)?;
        let (nonce, body) = wrapped.bytes.split_first_chunk::<NONCE>().ok_or_else(|| refused("wrapped_key"))?;
        let payload = Payload { msg: body, aad: &bound(org, &held.name) };
        let plain = XChaCha20Poly1305::new(&(*held.key).into())
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| refused("wrapped_key"))?;
        let key: [u8; 32] = plain.as_slice().try_into().map_err(|_| refused("wrapped_key"))?;
        Ok(SealKey(Zeroizing::new(key)))
    }

    async fn mark(&self, purpose: Purpose, org: OrgId, key: Option<&str>, bytes: &[u8]) -> Result<Mark, Outage> {
        let held = match key {
            Some(name) => named(&self.marking, name)?,
            None => newest(&self.marking)?,
        };
        let mut mac =
            <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(held.key.as_slice()).map_err(|_| refused("mark"))?;
        let what = match purpose {
            Purpose::Password => "password",
            Purpose::Entry => "entry",
            Purpose::Lookup => "lookup",
            Purpose::Code => "code",
        };
        mac.update(format!("careline/{what}/{org}/").as_bytes());
        mac.update(bytes);
        Ok(Mark { key: held.name.clone(), bytes: mac.finalize().into_bytes().to_vec() })
    }

    async fn sign(&self, bytes: &[u8]) -> Result<Signature, Outage> {
        let held = newest(&self.signing)?;
        let key = SigningKey::from_bytes(&held.key);
        Ok(Signature {
            key: held.name.clone(),
            public: key.verifying_key().to_bytes().to_vec(),
            bytes: key.sign(bytes).to_bytes().to_vec(),
        })
    }

    async fn signers(&self) -> Result<Vec<PublicKey>, Outage> {
        let public = |held: &Held| PublicKey {
            name: held.name.clone(),
            bytes: SigningKey::from_bytes(&held.key).verifying_key().to_bytes(),
        };
        Ok(self.signing.iter().map(public).collect())
    }
}
