//! Secrets that are none: too short, an example out of a manual, or a pattern instead of chance.

use super::{Faults, Settings};
use crate::domain::private::Private;

/// Fewest characters of a secret.
const SHORTEST: usize = 32;
/// Fewest different characters among them; 32 hexadecimal digits by chance have fewer once in a hundred thousand years.
const FEWEST_DIFFERENT: usize = 8;
/// What stands in examples, manuals and tests, in lower case.
const EXAMPLES: [&str; 18] = [
    "changeme",
    "change-me",
    "change_me",
    "example",
    "password",
    "passwort",
    "secret",
    "default",
    "placeholder",
    "your-",
    "your_",
    "insert",
    "town-",
    "careline",
    "0123456789",
    "123456789",
    "abcdefgh",
    "qwerty",
];

/// The key of the hashes of call codes.
pub(super) fn call_code_key(settings: &Settings, faults: &mut Faults) -> Option<Private<Vec<u8>>> {
    const VARIABLE: &str = "CARELINE_CALL_CODE_KEY";
    if settings.call_code_key.is_empty() {
        faults.note(VARIABLE, "it is missing; make one with `openssl rand -hex 32` and keep it");
        return None;
    }
    is_strong(VARIABLE, &settings.call_code_key, faults)
        .then(|| Private::new(settings.call_code_key.as_bytes().to_vec()))
}

/// Whether nobody could guess a secret; what is wrong with it is noted, the secret is not.
pub(super) fn is_strong(variable: &str, secret: &str, faults: &mut Faults) -> bool {
    if secret.len() < SHORTEST {
        faults.note(variable, format!("it is too short to be a secret; it needs at least {SHORTEST} characters"));
        return false;
    }
    if is_pattern(secret) {
        faults.note(
            variable,
            "it is an example or a pattern, which anybody could guess; take the real one, or make one with `openssl rand -hex 32`",
        );
        return false;
    }
    true
}

fn is_pattern(secret: &str) -> bool {
    let mut different: Vec<char> = secret.to_lowercase().chars().collect();
    different.sort_unstable();
    different.dedup();
    let lower = secret.to_lowercase();
    different.len() < FEWEST_DIFFERENT || EXAMPLES.iter().any(|example| lower.contains(example)) || repeats(secret)
}

/// Whether it is one part, said again and again.
fn repeats(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    (1..=bytes.len() / 2).any(|length| {
        let (part, rest) = bytes.split_at_checked(length).unwrap_or_default();
        rest.iter().zip(part.iter().cycle()).all(|(one, other)| one == other)
    })
}
