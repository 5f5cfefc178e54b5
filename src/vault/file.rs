//! Files of any length, sealed and opened chunk by chunk: no byte is released before its tag was verified, and no file is
//! whole before its last chunk was. Memory stays at two chunks, however long the file.

use super::{Vault, unreadable};
use crate::{
    domain::{
        file_format::{CHUNK, COMMITMENT, FilePlace, PREAMBLE, Preamble, SALT, TAG},
        private::Private,
        sealed::Sealed,
    },
    ports::{
        Outage, OutageKind,
        keys::SealKey,
        objects::{ObjectKey, ObjectStream, Objects},
    },
};
use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::ChaCha20Poly1305;
use futures_util::StreamExt;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a chunk as it is stored.
const SEALED_CHUNK: usize = CHUNK + TAG;
/// Bytes of a nonce that STREAM leaves to us; counter and last-chunk flag are the other five.
const NONCE: usize = 7;

/// What is derived from a file's data key.
struct Derived {
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; NONCE],
    commitment: [u8; COMMITMENT],
}

/// Seals a file while it is written.
pub struct FileWriter {
    stream: EncryptorBE32<ChaCha20Poly1305>,
    bound: Vec<u8>,
    waiting: Zeroizing<Vec<u8>>,
    ready: Vec<u8>,
}

/// Opens a file while it is read.
pub struct FileReader {
    stream: DecryptorBE32<ChaCha20Poly1305>,
    bound: Vec<u8>,
    preamble: Vec<u8>,
    begun: Begun,
    waiting: Vec<u8>,
}

/// Whether the preamble has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    NotYet,
    Read,
    Failed,
}

impl Vault {
    /// Begins a file: what seals its bytes, and the header to keep in its row.
    ///
    /// # Errors
    /// When the keys cannot be reached.
    pub async fn begin_file(&self, place: FilePlace) -> Result<(FileWriter, Sealed), Outage> {
        let key = SealKey::fresh();
        let wrapped = self.keys.wrap(place.org, &key).await?;
        let salt: [u8; SALT] = rand::random();
        let derived = derive(&key, &salt)?;
        let preamble = Preamble { salt, commitment: derived.commitment }.bytes();
        let header = Sealed::of(&wrapped, &preamble).ok_or_else(unreadable)?;
        let bound = place.bound(&Sha256::digest(&preamble));
        let stream = EncryptorBE32::new(&(*derived.key).into(), &derived.nonce.into());
        Ok((
            FileWriter { stream, bound, waiting: Zeroizing::new(Vec::with_capacity(SEALED_CHUNK)), ready: preamble },
            header,
        ))
    }

    /// Opens a file by the header of its row.
    ///
    /// # Errors
    /// `Refused` when the header was altered, belongs to another organization, or its key is retired.
    pub async fn open_file(&self, place: FilePlace, header: &Sealed) -> Result<FileReader, Outage> {
        let (wrapped, kept) = header.parts().ok_or_else(unreadable)?;
        let preamble = Preamble::read(kept).ok_or_else(unreadable)?;
        let key = self.keys.unwrap(place.org, &wrapped).await?;
        let derived = derive(&key, &preamble.salt)?;
        if !bool::from(derived.commitment.ct_eq(&preamble.commitment)) {
            return Err(unreadable());
        }
        let bound = place.bound(&Sha256::digest(kept));
        let stream = DecryptorBE32::new(&(*derived.key).into(), &derived.nonce.into());
        Ok(FileReader { stream, bound, preamble: kept.to_vec(), begun: Begun::NotYet, waiting: Vec::new() })
    }

    /// A whole file in memory, handed out only after its last chunk was verified; nothing of it ever lies on a disk.
    ///
    /// # Errors
    /// `Refused` when anything of it was altered; otherwise when the objects cannot be read.
    pub async fn read_whole(
        &self,
        place: FilePlace,
        header: &Sealed,
        mut object: ObjectStream,
    ) -> Result<Private<Vec<u8>>, Outage> {
        let mut reader = self.open_file(place, header).await?;
        let mut whole = Zeroizing::new(Vec::new());
        while let Some(piece) = object.next().await {
            whole.extend_from_slice(&reader.read(&piece?)?);
        }
        whole.extend_from_slice(&reader.finish()?);
        Ok(Private::new(std::mem::take(&mut *whole)))
    }

    /// A whole file out of the object store; `None` when it is missing, or is not what was kept.
    ///
    /// # Errors
    /// When the objects or the keys cannot be reached.
    pub async fn read_kept(
        &self,
        objects: &dyn Objects,
        place: FilePlace,
        header: &Sealed,
    ) -> Result<Option<Private<Vec<u8>>>, Outage> {
        let Some(object) = objects.stream(&ObjectKey::of(&place)).await? else { return Ok(None) };
        match self.read_whole(place, header, object).await {
            Ok(whole) => Ok(Some(whole)),
            Err(outage) if matches!(outage.kind, OutageKind::Refused(_)) => Ok(None),
            Err(outage) => Err(outage),
        }
    }

    /// Verifies every tag of a file and releases nothing; returns how many bytes it holds.
    ///
    /// # Errors
    /// As [`Vault::read_whole`].
    pub async fn verify_file(
        &self,
        place: FilePlace,
        header: &Sealed,
        mut object: ObjectStream,
    ) -> Result<u64, Outage> {
        let mut reader = self.open_file(place, header).await?;
        let mut length = 0;
        while let Some(piece) = object.next().await {
            length += count(&reader.read(&piece?)?);
        }
        Ok(length + count(&reader.finish()?))
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl FileWriter {
    /// Takes plaintext; returns what may be stored already.
    ///
    /// # Errors
    /// When the file is longer than 2^32 chunks.
    pub fn write(&mut self, mut plain: &[u8]) -> Result<Vec<u8>, Outage> {
        while !plain.is_empty() {
            // A full chunk waits until another byte follows, because only the last may carry the last-chunk flag.
            if self.waiting.len() == CHUNK {
                self.stream.encrypt_next_in_place(&self.bound, &mut *self.waiting).map_err(|_| unreadable())?;
                self.ready.append(&mut self.waiting);
            }
            let (now, later) = plain.split_at(plain.len().min(CHUNK - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            plain = later;
        }
        Ok(std::mem::take(&mut self.ready))
    }

    /// Ends the file; returns the rest to store.
    ///
    /// # Errors
    /// When the file is longer than 2^32 chunks.
    pub fn finish(mut self) -> Result<Vec<u8>, Outage> {
        self.stream.encrypt_last_in_place(&self.bound, &mut *self.waiting).map_err(|_| unreadable())?;
        self.ready.append(&mut self.waiting);
        Ok(self.ready)
    }
}

impl FileReader {
    /// Takes stored bytes; returns the plaintext of the chunks that are verified by now.
    ///
    /// # Errors
    /// `Refused` when a chunk was altered, moved, or is of another file; after that nothing more is released.
    pub fn read(&mut self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, Outage> {
        self.waiting.extend_from_slice(stored);
        self.begin()?;
        let mut plain = Zeroizing::new(Vec::new());
        let mut used = 0;
        if self.begun == Begun::Read {
            // A chunk that nothing follows may be the last, so it waits.
            while let Some(chunk) = self.waiting.get(used..used + SEALED_CHUNK)
                && self.waiting.len() > used + SEALED_CHUNK
            {
                let mut chunk = Zeroizing::new(chunk.to_vec());
                if self.stream.decrypt_next_in_place(&self.bound, &mut *chunk).is_err() {
                    plain.zeroize();
                    return Err(self.fail());
                }
                plain.extend_from_slice(&chunk);
                used += SEALED_CHUNK;
            }
        }
        self.waiting.drain(..used);
        Ok(plain)
    }

    /// Ends the file; returns the plaintext of its last chunk.
    ///
    /// # Errors
    /// `Refused` when the file was cut, or its last chunk altered.
    pub fn finish(mut self) -> Result<Zeroizing<Vec<u8>>, Outage> {
        self.begin()?;
        if self.begun != Begun::Read {
            return Err(unreadable());
        }
        let mut last = Zeroizing::new(std::mem::take(&mut self.waiting));
        self.stream.decrypt_last_in_place(&self.bound, &mut *last).map_err(|_| unreadable())?;
        Ok(last)
    }

    /// Compares the preamble with the copy of the row as soon as it is there.
    fn begin(&mut self) -> Result<(), Outage> {
        match self.begun {
            Begun::Read => Ok(()),
            Begun::Failed => Err(unreadable()),
            Begun::NotYet => {
                let Some((found, _)) = self.waiting.split_at_checked(PREAMBLE) else { return Ok(()) };
                if found != self.preamble {
                    return Err(self.fail());
                }
                self.waiting.drain(..PREAMBLE);
                self.begun = Begun::Read;
                Ok(())
            }
        }
    }

    fn fail(&mut self) -> Outage {
        self.begun = Begun::Failed;
        self.waiting.clear();
        unreadable()
    }
}

/// HKDF-SHA-256 (RFC 5869) of a file's data key under its salt.
fn derive(key: &SealKey, salt: &[u8]) -> Result<Derived, Outage> {
    let hkdf = Hkdf::<Sha256>::new(Some(salt), key.0.as_slice());
    let mut derived = Derived { key: Zeroizing::new([0; 32]), nonce: [0; NONCE], commitment: [0; COMMITMENT] };
    hkdf.expand(b"careline/file/key", derived.key.as_mut_slice()).map_err(|_| unreadable())?;
    hkdf.expand(b"careline/file/nonce", &mut derived.nonce).map_err(|_| unreadable())?;
    hkdf.expand(b"careline/file/commitment", &mut derived.commitment).map_err(|_| unreadable())?;
    Ok(derived)
}
