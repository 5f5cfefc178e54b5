//! What a dial rings: a telephone, or the browser a nurse has open.

use super::people::{BadPhoneNumber, PhoneNumber};
use std::fmt;

/// How a nurse is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReachedBy {
    /// Her telephone rings.
    Telephone,
    /// Her browser rings while a page of hers is ready; her telephone otherwise, if she has one.
    Browser,
}

impl ReachedBy {
    /// Both, in the order forms list them.
    pub const ALL: [Self; 2] = [Self::Telephone, Self::Browser];

    /// The word stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Telephone => "telephone",
            Self::Browser => "browser",
        }
    }

    /// The one of a stored or sent word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// A nurse's browser as the carrier knows it: letters and digits made for this alone, never a name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BrowserId(String);

impl BrowserId {
    /// One of random bytes; nobody can guess it.
    #[must_use]
    pub fn of(bytes: [u8; 16]) -> Self {
        Self(format!("n{}", hex::encode(bytes)))
    }

    /// One that was stored, or that the carrier names.
    ///
    /// # Errors
    /// When it cannot be one of ours.
    pub fn read(text: &str) -> Result<Self, BadPhoneNumber> {
        let digits = text.strip_prefix('n').ok_or(BadPhoneNumber::NotANumber)?;
        let plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if plain { Ok(Self(text.to_owned())) } else { Err(BadPhoneNumber::NotANumber) }
    }

    /// The id; whoever knows it can ring this browser, so only for the carrier and the database.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BrowserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserId(private)")
    }
}

/// One end that can be rung.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// A telephone.
    Telephone(PhoneNumber),
    /// A browser.
    Browser(BrowserId),
}

/// What a stored line begins with that is no telephone.
const BROWSER: &str = "browser:";

impl Line {
    /// The line of a stored text.
    ///
    /// # Errors
    /// When it is neither E.164 nor a browser of ours.
    pub fn stored(text: &str) -> Result<Self, BadPhoneNumber> {
        match text.strip_prefix(BROWSER) {
            Some(id) => BrowserId::read(id).map(Self::Browser),
            None => PhoneNumber::from_e164(text).map(Self::Telephone),
        }
    }

    /// The text stored: E.164, or `browser:` and its id. A private fact.
    #[must_use]
    pub fn reveal(&self) -> String {
        match self {
            Self::Telephone(number) => number.reveal().to_owned(),
            Self::Browser(id) => format!("{BROWSER}{}", id.reveal()),
        }
    }
}

impl From<PhoneNumber> for Line {
    fn from(number: PhoneNumber) -> Self {
        Self::Telephone(number)
    }
}
