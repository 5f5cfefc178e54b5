//! What opens an organization's own accounts at providers: kinds, and what may be typed. Values are written and never shown.

use super::{
    ids::{CredentialId, OrgId},
    private::Private,
    sealed::Place,
};

/// Most bytes of a secret.
const LONGEST: usize = 1_000;

/// What a sealed credential is bound to.
#[must_use]
pub const fn place(org: OrgId, id: CredentialId) -> Place {
    Place { org, table: "integration_credential", column: "sealed", row: id.0 }
}

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// The account at the carrier: account and token, as `account:token`.
    CarrierAccount,
    /// The key of the language model's server.
    ModelApi,
    /// The key of a speech service.
    SpeechApi,
    /// The API key that signs passes for nurses' browsers, as `key:secret`.
    BrowserVoice,
}

impl CredentialKind {
    /// Every kind, in the order of the screen.
    pub const ALL: [Self; 4] = [Self::CarrierAccount, Self::BrowserVoice, Self::ModelApi, Self::SpeechApi];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CarrierAccount => "carrier_account",
            Self::ModelApi => "model_api",
            Self::SpeechApi => "speech_api",
            Self::BrowserVoice => "browser_voice",
        }
    }

    /// The kind of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Reads what was typed.
    ///
    /// # Errors
    /// What is wrong with it, without a sign of it.
    pub fn read(self, typed: &Private<String>) -> Result<Private<String>, &'static str> {
        let text = typed.reveal().trim();
        if text.is_empty() {
            return Err("write the secret; to take it away, use Remove");
        }
        if text.len() > LONGEST {
            return Err("the secret has more than 1000 signs; copy it again from the provider's console");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the secret has a space or a sign that no header can carry; copy it again");
        }
        match (self, text.split_once(':')) {
            (Self::CarrierAccount, Some((account, token)))
                if account.starts_with("AC")
                    && account.bytes().all(|byte| byte.is_ascii_alphanumeric())
                    && !token.is_empty() =>
            {
                Ok(Private::new(text.to_owned()))
            }
            (Self::CarrierAccount, _) => Err("write account and token with a colon between them, such as AC…:…"),
            (Self::BrowserVoice, _) if BrowserKey::split(text).is_some() => Ok(Private::new(text.to_owned())),
            (Self::BrowserVoice, _) => {
                Err("write the API key's sid and its secret with a colon between them, such as SK…:…")
            }
            (Self::ModelApi | Self::SpeechApi, _) => Ok(Private::new(text.to_owned())),
        }
    }
}

/// The API key at the carrier that signs passes for browsers.
#[derive(Clone)]
pub struct BrowserKey {
    /// The key's name at the carrier, `SK…`; no secret.
    pub sid: String,
    /// What it signs with.
    pub secret: Private<String>,
}

impl BrowserKey {
    /// Reads a kept one. `None` when it is none.
    #[must_use]
    pub fn read(kept: Private<Vec<u8>>) -> Option<Self> {
        let text = String::from_utf8(kept.into_revealed()).ok()?;
        let (sid, secret) = Self::split(&text)?;
        Some(Self { sid: sid.to_owned(), secret: Private::new(secret.to_owned()) })
    }

    fn split(text: &str) -> Option<(&str, &str)> {
        let (sid, secret) = text.split_once(':')?;
        let plain = sid.starts_with("SK") && sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (plain && !secret.is_empty()).then_some((sid, secret))
    }
}
