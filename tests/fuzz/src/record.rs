//! What is kept and comes back: tokens, keys, sealed values, files, the record.

use super::parts;
use careline::{
    adapters::key_file::KeyFile,
    domain::{
        api_token,
        checkpoint::Checkpoint,
        entry::{ChainedEntry, EntryMark},
        file_format::Preamble,
        ids::OrgId,
        recovery_code::RecoveryCode,
        sealed::Sealed,
        session::Token,
    },
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A token that is read says the same when it is written again; a recovery code too.
pub fn tokens(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(token) = Token::read(&text) {
        assert_eq!(Token::read(&token.text()).map(|again| again.hash()), Some(token.hash()));
        assert!(text.len() >= 64 + 1 + 32);
    }
    if let Some((org, hash)) = api_token::parse(&text) {
        assert_eq!(hash.len(), 32);
        assert!(!org.to_string().is_empty());
    }
    if let Some(code) = RecoveryCode::parse(&text) {
        assert!(RecoveryCode::parse(&code.shown()).is_some());
    }
}

/// A key file is read or refused.
pub fn key_file(bytes: &[u8]) {
    let _read = KeyFile::read(&String::from_utf8_lossy(bytes));
}

/// A sealed value that is taken apart is put together to the same bytes.
pub fn sealed_value(bytes: &[u8]) {
    let sealed = Sealed(bytes.to_vec());
    if let Some((key, ciphertext)) = sealed.parts() {
        assert_eq!(Sealed::of(&key, ciphertext), Some(sealed.clone()));
    }
}

/// The beginning of a file that is read is written to the same bytes.
pub fn file_preamble(bytes: &[u8]) {
    if let Some(preamble) = Preamble::read(bytes) {
        assert_eq!(preamble.bytes(), bytes);
    }
}

/// Unequal entries have unequal canonical forms.
pub fn chain_entry(bytes: &[u8]) {
    let (one, other) = bytes.split_at(bytes.len() / 2);
    let (one, other) = (entry(one), entry(other));
    assert_eq!(one == other, one.canonical() == other.canonical(), "{one:?} {other:?}");
    assert!(!one.canonical().is_empty());
}

/// An entry made of an input's parts.
fn entry(bytes: &[u8]) -> ChainedEntry {
    let parts = parts(bytes);
    let text = |at: usize| parts.get(at).cloned().unwrap_or_default();
    let number = |at: usize| text(at).bytes().fold(0_i64, |sum, byte| sum.wrapping_mul(257).wrapping_add(byte.into()));
    let id = |at: usize| (!text(at).is_empty()).then(|| Uuid::from_u128(u128::from(number(at).unsigned_abs())));
    let mark = EntryMark { key: text(8), nonce: text(9).into_bytes(), bytes: text(10).into_bytes() };
    ChainedEntry {
        id: number(0),
        actor_kind: text(1),
        actor_id: id(2),
        actor_role: (!text(3).is_empty()).then(|| text(3)),
        deed: text(4),
        patient: id(5),
        subject: id(6),
        detail: BTreeMap::from_iter(
            parts
                .get(11..)
                .unwrap_or_default()
                .chunks(2)
                .map(|pair| (pair[0].clone(), pair.get(1).cloned().unwrap_or_default())),
        ),
        at_micros: number(7),
        // Before it is written an entry has no transaction; the form of an unmarked entry leaves it out.
        xid: if parts.len() > 8 { number(7).unsigned_abs() } else { 0 },
        mark: (parts.len() > 8).then_some(mark),
    }
}

/// A note nobody signed is no checkpoint.
pub fn checkpoint_note(bytes: &[u8]) {
    let note = String::from_utf8_lossy(bytes);
    assert!(Checkpoint::read(OrgId(Uuid::nil()), &note, &[]).is_err());
}
