//! What proves a person beside their password, and whether an organization insists on it.

/// One kind of second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// Codes of an app (TOTP).
    AuthenticatorApp,
    /// A passkey, which is two factors by itself: the device, and what unlocks it.
    Passkey,
    /// A code from the list that was printed.
    RecoveryCode,
}

impl Factor {
    /// The word recorded.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AuthenticatorApp => "authenticator_app",
            Self::Passkey => "passkey",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// Whether an organization's staff must have a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorPolicy {
    /// Who has none is led to the page that adds one, and opens nothing else.
    Required,
    /// Who has one must show it; who has none may do without.
    Offered,
}

impl FactorPolicy {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Offered => "offered",
        }
    }

    /// The policy of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Required, Self::Offered].into_iter().find(|policy| policy.word() == word)
    }
}

/// How a session was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BegunBy {
    /// A password alone.
    Password,
    /// A password and a second factor.
    SecondFactor,
    /// A passkey.
    Passkey,
    /// The organization's own sign-on.
    SingleSignOn,
}

impl BegunBy {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
            Self::Passkey => "passkey",
            Self::SingleSignOn => "single_sign_on",
        }
    }

    /// Of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Password, Self::SecondFactor, Self::Passkey, Self::SingleSignOn].into_iter().find(|by| by.word() == word)
    }

    /// Whether a session begun so must add a second factor before it opens anything.
    #[must_use]
    pub const fn owes_a_factor(self, policy: FactorPolicy) -> bool {
        matches!((self, policy), (Self::Password, FactorPolicy::Required))
    }
}
