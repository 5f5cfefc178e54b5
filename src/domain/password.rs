//! Passwords: argon2id (RFC 9106) with 64 MiB, three passes and one lane, as a PHC string. Hashing takes a fifth of a
//! second of one core by design, so callers run it beside their async work, and never many at once.

use super::private::Private;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use zxcvbn::{Score, zxcvbn};

/// Fewest characters of a password (NIST SP 800-63B allows no composition rules, so length is what counts).
pub const SHORTEST: usize = 12;
/// Most characters of a password; longer input is refused before it is hashed.
pub const LONGEST: usize = 128;

/// The head of every hash made now; another head is an older cost, to be renewed.
const HEAD: &str = "$argon2id$v=19$m=65536,t=3,p=1$";

/// A hash nobody's password has, with the cost of a real one: unknown e-mail addresses take as long as known ones.
pub const NOBODYS: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5cyBwYXNzd29yZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPassword {
    /// The PHC string.
    pub hash: String,
    /// Name of the key that peppered it before it was hashed; `None` is a hash without pepper.
    pub key: Option<String>,
}

impl StoredPassword {
    /// What an unknown login is compared with.
    #[must_use]
    pub fn nobodys() -> Self {
        Self { hash: NOBODYS.to_owned(), key: None }
    }

    /// Whether it would be stored otherwise today, under the newest key.
    #[must_use]
    pub fn is_old(&self, newest_key: &str) -> bool {
        !self.hash.starts_with(HEAD) || self.key.as_deref() != Some(newest_key)
    }
}

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Too short or too long.
    #[error("a password has {SHORTEST} to {LONGEST} characters")]
    Length,
    /// On lists of known passwords, or made of what everybody knows about the person.
    #[error("this password is easy to guess; choose several words that have nothing to do with you or with each other")]
    Guessable,
    /// The parameters were refused by the library.
    #[error("the password could not be hashed")]
    Unhashable,
}

/// Whether a new password may be chosen: its length, and how many guesses it would take (zxcvbn, score 3 of 4 or better)
/// by somebody who knows the words `about` its owner: organization, name, e-mail address.
///
/// # Errors
/// Says what to choose instead.
pub fn assess(password: &Private<String>, about: &[&str]) -> Result<(), BadPassword> {
    if !(SHORTEST..=LONGEST).contains(&password.reveal().chars().count()) {
        return Err(BadPassword::Length);
    }
    let words: Vec<&str> = about
        .iter()
        .flat_map(|text| std::iter::once(*text).chain(text.split(|letter: char| !letter.is_alphanumeric())))
        .filter(|word| word.chars().count() > 2)
        .chain(["careline", "hospice", "palliative"])
        .collect();
    if zxcvbn(password.reveal(), &words).score() < Score::Three {
        return Err(BadPassword::Guessable);
    }
    Ok(())
}

/// Hashes a peppered password with 16 bytes of fresh randomness.
///
/// # Errors
/// When the library refuses the parameters.
pub fn hash(peppered: &Private<Vec<u8>>, salt: [u8; 16]) -> Result<String, BadPassword> {
    let argon = hasher().ok_or(BadPassword::Unhashable)?;
    let hashed: PasswordHash =
        argon.hash_password_with_salt(peppered.reveal(), &salt).map_err(|_| BadPassword::Unhashable)?;
    Ok(hashed.to_string())
}

/// Whether a peppered password, or one without pepper, is the one behind a stored hash, by that hash's own parameters.
#[must_use]
pub fn matches(entered: &Private<Vec<u8>>, stored: &str) -> bool {
    let (Some(argon), Ok(stored)) = (hasher(), PasswordHash::new(stored)) else { return false };
    argon.verify_password(entered.reveal(), &stored).is_ok()
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(64 * 1024, 3, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
