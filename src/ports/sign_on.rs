//! Single sign-on: an organization's own provider says who somebody is. OpenID Connect Core 1.0, authorization code flow
//! with PKCE (RFC 7636).

use super::Outage;
use crate::domain::{ids::OrgId, private::Private, sign_on::Person};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// The provider an organization trusts, and who we are to it.
#[derive(Clone)]
pub struct Provider {
    /// The organization.
    pub org: OrgId,
    /// The provider's name for itself, an address.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Private<String>,
    /// The claim that lists a person's groups.
    pub group_claim: String,
    /// Where it sends people back to.
    pub return_to: String,
}

/// What only we may know while somebody is away at the provider.
#[derive(Clone)]
pub struct Secrets {
    /// What the token must repeat.
    pub nonce: Private<String>,
    /// What proves to the provider that we began (RFC 7636).
    pub verifier: Private<String>,
}

/// What the provider is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Who they are; it may know them from before.
    Whom,
    /// That they prove it anew.
    Anew,
}

/// Somebody sent on their way.
pub struct Departure {
    /// Where their browser goes.
    pub url: String,
    /// What we keep.
    pub secrets: Secrets,
}

/// Somebody back from the provider.
pub enum Arrival {
    /// The provider vouches for them.
    Proven(Person),
    /// What they brought does not hold.
    Refused(Doubt),
}

/// Why what somebody brought does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The provider does not take the code.
    Code,
    /// There is no token, or it cannot be read.
    Token,
    /// Another provider signed it, or says it did.
    Issuer,
    /// It is for somebody else.
    Audience,
    /// Its signature does not fit the provider's keys, or is of a kind we do not take.
    Signature,
    /// It answers another question.
    Nonce,
    /// It is over, or from the future.
    Time,
}

impl Doubt {
    /// The word in the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Token => "token",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Signature => "signature",
            Self::Nonce => "nonce",
            Self::Time => "time",
        }
    }
}

/// Speaks with providers.
#[async_trait]
pub trait SingleSignOn: Send + Sync {
    /// Asks a provider for its description, whatever is known of it.
    ///
    /// # Errors
    /// `Refused` with a code when the address may not be gone to or the description does not fit it; otherwise when it
    /// cannot be reached.
    async fn examine(&self, org: OrgId, issuer: &str, now: DateTime<Utc>) -> Result<(), Outage>;

    /// Sends somebody on their way. `state` comes back with them.
    ///
    /// # Errors
    /// As `examine`.
    async fn depart(
        &self,
        provider: &Provider,
        state: &str,
        asking: Asking,
        now: DateTime<Utc>,
    ) -> Result<Departure, Outage>;

    /// Exchanges the code somebody brought for a token, and checks the token.
    ///
    /// # Errors
    /// When the provider cannot be reached or answers nonsense.
    async fn arrive(
        &self,
        provider: &Provider,
        secrets: &Secrets,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<Arrival, Outage>;
}
