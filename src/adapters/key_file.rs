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
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};
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
    /// When a newer one took its place, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    superseded_at: Option<i64>,
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

/// The keys in memory.
struct Lists {
    wrapping: Vec<Held>,
    marking: Vec<Held>,
    signing: Vec<Held>,
}

/// The keys of a file.
pub struct KeyFile {
    lists: RwLock<Arc<Lists>>,
    source: Source,
}

/// Where the keys came from.
enum Source {
    /// A text: it never changes.
    Text,
    /// A file: it is read again when another has taken its place, so that a rotation needs no restart.
    File { path: PathBuf, seen: Mutex<Seen> },
}

/// By what a file is told from the one that takes its place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

/// How long a key that was just replaced may still be on its way into the database, in seconds: the longest upload.
const ON_ITS_WAY_SECONDS: i64 = 3600;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadKeyFile(String);

fn bad(text: &str) -> BadKeyFile {
    BadKeyFile(text.to_owned())
}

impl KeyFile {
    /// The text of a new file with fresh keys.
    #[must_use]
    pub fn fresh() -> Private<String> {
        let one = |name: &str| vec![fresh_key(format!("{name}1"))];
        let written = Written { wrapping: one("w"), marking: one("m"), signing: one("s") };
        Private::new(serde_json::to_string_pretty(&written).unwrap_or_default())
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Says what is wrong, without repeating a key.
    pub fn read(text: &str) -> Result<Self, BadKeyFile> {
        Ok(Self { lists: RwLock::new(Arc::new(lists(text)?)), source: Source::Text })
    }

    /// Opens a file that only its owner may read, and follows what takes its place.
    ///
    /// # Errors
    /// Says what is wrong and what to do, without repeating a key.
    pub fn open(path: &Path) -> Result<Self, BadKeyFile> {
        let (text, seen) = look(path)?;
        let lists = RwLock::new(Arc::new(lists(text.reveal())?));
        Ok(Self { lists, source: Source::File { path: path.to_owned(), seen: Mutex::new(seen) } })
    }

    /// The text of the same file with a new wrapping key in front; returns the new key's name too.
    ///
    /// # Errors
    /// When the text is not a key file.
    pub fn rotated(text: &str, now: DateTime<Utc>) -> Result<(Private<String>, String), BadKeyFile> {
        let mut written = parse(text)?;
        let numbers = written.wrapping.iter().filter_map(|key| key.name.strip_prefix('w')?.parse::<u32>().ok());
        let name = format!("w{}", numbers.max().unwrap_or(0).saturating_add(1));
        if let Some(before) = written.wrapping.first_mut() {
            before.superseded_at = Some(now.timestamp());
        }
        written.wrapping.insert(0, fresh_key(name.clone()));
        Ok((text_of(&written)?, name))
    }

    /// The text of the same file without one older wrapping key.
    ///
    /// # Errors
    /// When there is no such key, it is the newest, or it was replaced so lately that something wrapped by it may still be
    /// on its way into the database.
    pub fn retired(text: &str, name: &str, now: DateTime<Utc>, haste: Haste) -> Result<Private<String>, BadKeyFile> {
        let mut written = parse(text)?;
        let Some(at) = written.wrapping.iter().position(|key| key.name == name) else {
            return Err(bad("there is no wrapping key of that name in this file"));
        };
        if at == 0 {
            return Err(bad("it is the key that wraps now; make a newer one with `careline keys rotate FILE` first"));
        }
        let key = written.wrapping.remove(at);
        let age = key.superseded_at.map_or(i64::MAX, |since| now.timestamp().saturating_sub(since));
        match haste {
            Haste::None if age < ON_ITS_WAY_SECONDS => Err(bad(
                "it was replaced less than an hour ago, and an upload that began before may still need it; try again \
                 later, or stop every Careline and use --nothing-runs",
            )),
            Haste::None | Haste::NothingRuns => text_of(&written),
        }
    }

    /// The keys as they are now. A file that cannot be read any more is no reason to forget the keys.
    fn lists(&self) -> Arc<Lists> {
        if let Source::File { path, seen } = &self.source {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if fs::metadata(path).is_ok_and(|found| Seen::of(&found) != *seen) {
                match look(path).and_then(|(text, now)| Ok((lists(text.reveal())?, now))) {
                    Ok((lists, now)) => {
                        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
                        *seen = now;
                    }
                    Err(fault) => tracing::error!(%fault, "the changed key file is not used; the keys before it are"),
                }
            }
        }
        Arc::clone(&self.lists.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether anything may still be on its way into the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// Something may.
    None,
    /// The operator says that no Careline is running.
    NothingRuns,
}

impl Seen {
    fn of(found: &fs::Metadata) -> Self {
        Self { inode: found.ino(), length: found.len(), changed: (found.mtime(), found.mtime_nsec()) }
    }
}

/// Reads a file that nobody else may read.
fn look(path: &Path) -> Result<(Private<String>, Seen), BadKeyFile> {
    let unread = |why: std::io::Error| {
        BadKeyFile(format!("{} cannot be read ({why}); make a key file with `careline keys new FILE`", path.display()))
    };
    let mut file = fs::File::open(path).map_err(unread)?;
    let found = file.metadata().map_err(unread)?;
    if found.mode() & 0o077 != 0 {
        let path = path.display();
        return Err(BadKeyFile(format!("{path} can be read by others than its owner; run `chmod 600 {path}`")));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unread)?;
    Ok((Private::new(text), Seen::of(&found)))
}

fn fresh_key(name: String) -> NamedKey {
    NamedKey { name, key: hex::encode(rand::random::<[u8; 32]>()), superseded_at: None }
}

fn parse(text: &str) -> Result<Written, BadKeyFile> {
    serde_json::from_str(text).map_err(|_| bad("it is not a key file; make one with `careline keys new FILE`"))
}

fn text_of(written: &Written) -> Result<Private<String>, BadKeyFile> {
    serde_json::to_string_pretty(written).map(Private::new).map_err(|_| bad("the keys cannot be written"))
}

fn lists(text: &str) -> Result<Lists, BadKeyFile> {
    let written = parse(text)?;
    Ok(Lists { wrapping: held(&written.wrapping)?, marking: held(&written.marking)?, signing: held(&written.signing)? })
}

fn held(written: &[NamedKey]) -> Result<Vec<Held>, BadKeyFile> {
    if written.is_empty() {
        return Err(bad("a list of keys is empty; each of wrapping, marking and signing needs one"));
    }
    written
        .iter()
        .map(|one| {
            let mut key = Zeroizing::new([0; 32]);
            hex::decode_to_slice(&one.key, key.as_mut_slice())
                .map_err(|_| bad("a key is not 64 hexadecimal digits"))?;
            if one.name.is_empty() || one.name.len() > 64 {
                return Err(bad("a key's name has 1 to 64 characters"));
            }
            if key.iter().all(|byte| Some(byte) == key.first()) {
                return Err(bad("a key repeats one byte, so it is no secret; make keys with `careline keys new FILE`"));
            }
            Ok(Held { name: one.name.clone(), key })
        })
        .collect::<Result<Vec<Held>, BadKeyFile>>()
        .and_then(|held| {
            let names: std::collections::BTreeSet<&str> = held.iter().map(|held| held.name.as_str()).collect();
            if names.len() == held.len() { Ok(()) } else { Err(bad("two keys of one list have the same name")) }?;
            Ok(held)
        })
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
        self.lists().wrapping.first().map(|held| held.name.clone()).unwrap_or_default()
    }

    async fn wrap(&self, org: OrgId, key: &SealKey) -> Result<WrappedKey, Outage> {
        let lists = self.lists();
        let held = newest(&lists.wrapping)?;
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: key.0.as_slice(), aad: &bound(org, &held.name) };
        let wrapped = XChaCha20Poly1305::new(&(*held.key).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| refused("wrap"))?;
        Ok(WrappedKey { key: held.name.clone(), bytes: [nonce.as_slice(), &wrapped].concat() })
    }

    async fn unwrap(&self, org: OrgId, wrapped: &WrappedKey) -> Result<SealKey, Outage> {
        let lists = self.lists();
        let held = named(&lists.wrapping, &wrapped.key)?;
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
        let lists = self.lists();
        let held = match key {
            Some(name) => named(&lists.marking, name)?,
            None => newest(&lists.marking)?,
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
        let lists = self.lists();
        let held = newest(&lists.signing)?;
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
        Ok(self.lists().signing.iter().map(public).collect())
    }
}
