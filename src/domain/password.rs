//! Passwords: argon2id (RFC 9106) with 64 MiB, three passes and one lane, as a PHC string. Hashing takes a fifth of a
//! second of one core by design, so callers run it beside their async work, and never many at once.

use super::private::Private;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};

/// Fewest characters of a password (NIST SP 800-63B allows no composition rules, so length is what counts).
pub const SHORTEST: usize = 12;
/// Most characters of a password; longer input is refused before it is hashed.
pub const LONGEST: usize = 128;

/// A hash nobody's password has, with the cost of a real one: unknown e-mail addresses take as long as known ones.
pub const NOBODYS: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5cyBwYXNzd29yZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Too short or too long.
    #[error("a password has {SHORTEST} to {LONGEST} characters")]
    Length,
    /// The parameters were refused by the library.
    #[error("the password could not be hashed")]
    Unhashable,
}

/// Hashes a new password with 16 bytes of fresh randomness.
///
/// # Errors
/// When its length is out of bounds.
pub fn hash(password: &Private<String>, salt: [u8; 16]) -> Result<String, BadPassword> {
    if !(SHORTEST..=LONGEST).contains(&password.reveal().chars().count()) {
        return Err(BadPassword::Length);
    }
    let argon = hasher().ok_or(BadPassword::Unhashable)?;
    let hashed: PasswordHash =
        argon.hash_password_with_salt(password.reveal().as_bytes(), &salt).map_err(|_| BadPassword::Unhashable)?;
    Ok(hashed.to_string())
}

/// Whether a password is the one behind a stored hash, by that hash's own parameters.
#[must_use]
pub fn matches(password: &Private<String>, stored: &str) -> bool {
    let (Some(argon), Ok(stored)) = (hasher(), PasswordHash::new(stored)) else { return false };
    let plausible = password.reveal().chars().count() <= LONGEST;
    plausible && argon.verify_password(password.reveal().as_bytes(), &stored).is_ok()
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(64 * 1024, 3, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
