//! The form of an encrypted file: a preamble that never changes, then chunks, each sealed for its place in this file of
//! this patient. The wrapped data key is kept beside the file's row, so that a new wrapping key rewrites no file.

use super::ids::{CallId, FileId, LegId, OrgId, PatientId};

/// Bytes of plaintext in every chunk but the last.
pub const CHUNK: usize = 64 * 1024;
/// Bytes of a chunk's tag.
pub const TAG: usize = 16;
/// Bytes of the salt.
pub const SALT: usize = 16;
/// Bytes of the commitment to the key.
pub const COMMITMENT: usize = 32;
/// Bytes of a preamble.
pub const PREAMBLE: usize = MAGIC.len() + 3 + SALT + COMMITMENT;

/// What every file of ours begins with.
const MAGIC: [u8; 8] = *b"careline";
/// The only version there is.
const VERSION: u8 = 1;
/// STREAM with a 32-bit big-endian counter (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over ChaCha20-Poly1305.
const STREAM_BE32_CHACHA20_POLY1305: u8 = 1;
/// Two to this power is the size of a chunk.
const CHUNK_POWER: u8 = 16;

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A document of the chart: an advance-care plan, a POLST form, a letter.
    Document,
    /// A chunk of the recording of a call.
    Recording(ChunkPlace),
}

/// Where a chunk belongs in the recording of its call, which is bound in too: a chunk moved to another call, leg, place or
/// instant does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkPlace {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// Its number in its stream, from 0.
    pub number: u32,
    /// The instant of its first sample, in microseconds since 1970.
    pub from_micros: i64,
}

impl FileKind {
    /// The word stored and bound in.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Recording(_) => "recording",
        }
    }
}

/// Where a file belongs. It is bound into every chunk, so a file moved to another patient or organization does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePlace {
    /// The organization.
    pub org: OrgId,
    /// Whose file it is.
    pub patient: PatientId,
    /// The file.
    pub file: FileId,
    /// Its kind.
    pub kind: FileKind,
}

impl FilePlace {
    /// The bytes that are authenticated beside each chunk, together with the hash of the preamble.
    #[must_use]
    pub fn bound(&self, preamble_hash: &[u8]) -> Vec<u8> {
        let kind = self.kind.word();
        let kind = match self.kind {
            FileKind::Document => kind.to_owned(),
            FileKind::Recording(ChunkPlace { call, leg, number, from_micros }) => {
                format!("{kind}/{call}/{leg}/{number}/{from_micros}")
            }
        };
        let place = format!("careline/{}/{}/{}/{kind}/", self.org, self.patient, self.file);
        [place.as_bytes(), preamble_hash].concat()
    }
}

/// The beginning of a file. A copy is kept beside the wrapped key; the two must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preamble {
    /// Makes the keys of this file its own (RFC 5869).
    pub salt: [u8; SALT],
    /// Derived from the data key: a file opens under one key only.
    pub commitment: [u8; COMMITMENT],
}

impl Preamble {
    /// As it is written.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let form = [VERSION, STREAM_BE32_CHACHA20_POLY1305, CHUNK_POWER];
        [MAGIC.as_slice(), &form, &self.salt, &self.commitment].concat()
    }

    /// Reads one; `None` when it was not written by us or by a later version.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let rest = rest.strip_prefix(&[VERSION, STREAM_BE32_CHACHA20_POLY1305, CHUNK_POWER])?;
        let (salt, rest) = rest.split_first_chunk::<SALT>()?;
        let commitment: [u8; COMMITMENT] = rest.try_into().ok()?;
        Some(Self { salt: *salt, commitment })
    }
}
