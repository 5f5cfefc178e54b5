//! A small secret as it is stored: encrypted under a data key of its own, which is wrapped by a key outside the database.

use super::ids::OrgId;
use uuid::Uuid;

/// A data key, wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Name of the key that wraps it.
    pub key: String,
    /// The wrapped bytes.
    pub bytes: Vec<u8>,
}

/// Where a sealed value belongs. It is bound in, so a value moved to another row, column or organization does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The organization.
    pub org: OrgId,
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row.
    pub row: Uuid,
}

impl Place {
    /// The bytes that are authenticated beside the value.
    #[must_use]
    pub fn bound(&self) -> Vec<u8> {
        format!("careline/{}/{}/{}/{}", self.org, self.table, self.column, self.row).into_bytes()
    }
}

/// A sealed value: version 1, the name of the wrapping key, the wrapped data key, nonce, ciphertext with tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// Version byte of the only format there is.
const VERSION: u8 = 1;

impl Sealed {
    /// Puts the parts together.
    #[must_use]
    pub fn of(key: &WrappedKey, ciphertext: &[u8]) -> Option<Self> {
        let mut bytes = vec![VERSION, u8::try_from(key.key.len()).ok()?];
        bytes.extend(key.key.as_bytes());
        bytes.extend(u16::try_from(key.bytes.len()).ok()?.to_be_bytes());
        bytes.extend(&key.bytes);
        bytes.extend(ciphertext);
        Some(Self(bytes))
    }

    /// Takes the parts apart; `None` when it was not written by us.
    #[must_use]
    pub fn parts(&self) -> Option<(WrappedKey, &[u8])> {
        let (&[version, name], rest) = self.0.split_first_chunk::<2>()?;
        if version != VERSION {
            return None;
        }
        let (name, rest) = rest.split_at_checked(usize::from(name))?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (wrapped, ciphertext) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let key = String::from_utf8(name.to_vec()).ok()?;
        Some((WrappedKey { key, bytes: wrapped.to_vec() }, ciphertext))
    }
}

/// Every column of the database that holds sealed values. What is missing here would be lost when an old key is retired,
/// so `tests/it/store/sealed.rs` compares this list with the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedColumn {
    /// Secrets of authenticator apps.
    AuthenticatorApp,
    /// What a sign-in at a provider needs when it comes back; gone after ten minutes.
    SignOnAttempt,
    /// The secret shared with a provider of sign-ins.
    SingleSignOn,
    /// Wrapped keys of patients' files.
    StoredFile,
    /// Wrapped keys of the chunks of recordings.
    RecordingChunk,
    /// What opens accounts at providers.
    IntegrationCredential,
}

impl SealedColumn {
    /// Every column.
    pub const ALL: &[Self] = &[
        Self::AuthenticatorApp,
        Self::SignOnAttempt,
        Self::SingleSignOn,
        Self::StoredFile,
        Self::RecordingChunk,
        Self::IntegrationCredential,
    ];

    /// Its table.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::AuthenticatorApp => "authenticator_app",
            Self::SignOnAttempt => "sign_on_attempt",
            Self::SingleSignOn => "single_sign_on",
            Self::StoredFile => "stored_file",
            Self::RecordingChunk => "recording_chunk",
            Self::IntegrationCredential => "integration_credential",
        }
    }

    /// What it holds, for a screen.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::AuthenticatorApp => "Authenticator apps",
            Self::SignOnAttempt => "Sign-ins under way at a provider",
            Self::SingleSignOn => "Secret of the sign-in provider",
            Self::StoredFile => "Keys of documents",
            Self::RecordingChunk => "Keys of recordings",
            Self::IntegrationCredential => "Credentials of providers",
        }
    }

    /// Its name.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::AuthenticatorApp => "secret_sealed",
            Self::StoredFile | Self::RecordingChunk | Self::IntegrationCredential => "sealed",
            Self::SignOnAttempt => "secrets",
            Self::SingleSignOn => "client_secret",
        }
    }
}
