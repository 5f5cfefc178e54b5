//! Recovery codes: what opens the door when telephone and passkey are lost. Ten of them, ten characters each, from an
//! alphabet without look-alikes (Crockford's base 32), 50 bits; shown once, kept as keyed marks, used once.

use super::{ids::StaffId, private::Private};

/// How many are made at a time.
pub const HOW_MANY: usize = 10;
/// Characters of one.
pub const LENGTH: usize = 10;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code as it is kept: HMAC under a key outside the database, and that key's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeMark {
    /// Name of the key.
    pub key: String,
    /// 32 bytes.
    pub bytes: Vec<u8>,
}

/// One code, as it is marked: ten characters of the alphabet.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Private<String>);

impl RecoveryCode {
    /// The code of ten random bytes; five bits of each count, so every character is equally likely.
    #[must_use]
    pub fn of(random: [u8; LENGTH]) -> Self {
        let letters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31)));
        Self(Private::new(letters.map(|letter| char::from(*letter)).collect()))
    }

    /// What somebody typed: either case, with or without hyphens and spaces, O for 0, I and L for 1.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let letters: String = typed
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .map(|letter| match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let spelled = letters.len() == LENGTH && letters.bytes().all(|byte| ALPHABET.contains(&byte));
        spelled.then(|| Self(Private::new(letters)))
    }

    fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The bytes that are marked: a code of one person is none of another's.
    #[must_use]
    pub fn bound_to(&self, staff: StaffId) -> Vec<u8> {
        [staff.0.as_bytes().as_slice(), self.reveal().as_bytes()].concat()
    }

    /// As it is shown, in two halves: `7K3MQ-0XV9D`.
    #[must_use]
    pub fn shown(&self) -> String {
        self.reveal().split_at_checked(LENGTH / 2).map_or_else(String::new, |(left, right)| format!("{left}-{right}"))
    }
}
