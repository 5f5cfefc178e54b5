//! OpenID Connect through the `openidconnect` library, over the guarded way out. What is known of a provider is kept per
//! organization for an hour; a key nobody knows makes us ask again, at most once a minute, so that a provider may change
//! its keys and a forger cannot make us hammer it.

mod known;
mod token;
mod wire;

use crate::{
    domain::{ids::OrgId, private::Private},
    ports::{
        Outage, OutageKind,
        egress::Egress,
        sign_on::{Arrival, Asking, Departure, Doubt, Provider, Secrets, SingleSignOn},
    },
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use known::{Known, Metadata};
use openidconnect::{
    AuthType, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    core::{CoreAuthPrompt, CoreClientAuthMethod, CoreResponseType},
};
use std::{sync::Arc, time::Duration};
use token::{Client, Judged};
use wire::Wire;

/// How long ago somebody may have proven to the provider who they are: a shift.
const AT_MOST: Duration = Duration::from_secs(12 * 3600);

/// Single sign-on by OpenID Connect.
pub struct OpenId {
    known: Known,
    wire: Wire,
}

type Ready = Client<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl OpenId {
    /// Over the guarded way out.
    #[must_use]
    pub fn over(egress: Arc<dyn Egress>) -> Self {
        let wire = Wire(egress);
        Self { known: Known::over(wire.clone()), wire }
    }

    /// Exchanges the code; `None` when the provider does not take it, or gives no token that can be read.
    async fn exchange(
        &self,
        client: &Ready,
        secrets: &Secrets,
        code: &str,
    ) -> Result<Result<token::Reply, Doubt>, Outage> {
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| refused("token_endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier.reveal().clone()));
        match request.request_async(&self.wire).await {
            Ok(reply) => Ok(Ok(reply)),
            Err(RequestTokenError::ServerResponse(_)) => Ok(Err(Doubt::Code)),
            Err(RequestTokenError::Parse(_, _) | RequestTokenError::Other(_)) => Ok(Err(Doubt::Token)),
            Err(RequestTokenError::Request(outage)) => Err(outage),
        }
    }
}

#[async_trait]
impl SingleSignOn for OpenId {
    async fn examine(&self, org: OrgId, issuer: &str, now: DateTime<Utc>) -> Result<(), Outage> {
        self.known.anew(org, issuer, now).await.map(|_| ())
    }

    async fn depart(
        &self,
        provider: &Provider,
        state: &str,
        asking: Asking,
        now: DateTime<Utc>,
    ) -> Result<Departure, Outage> {
        let metadata = self.known.of(provider.org, &provider.issuer, now).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new(state.to_owned());
        let client = client(&metadata, provider)?;
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || state,
                || Nonce::new(hex::encode(rand::random::<[u8; 32]>())),
            )
            .set_pkce_challenge(challenge)
            // Whoever is asked for an age says when the person last proved themself (section 3.1.2.1).
            .set_max_age(AT_MOST)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()));
        if asking == Asking::Anew {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        // Some providers list groups only for whoever asks for them.
        if metadata.scopes_supported().is_some_and(|scopes| scopes.iter().any(|scope| scope.as_str() == "groups")) {
            request = request.add_scope(Scope::new("groups".to_owned()));
        }
        let (url, _, nonce) = request.url();
        let secrets =
            Secrets { nonce: Private::new(nonce.secret().clone()), verifier: Private::new(verifier.secret().clone()) };
        Ok(Departure { url: url.into(), secrets })
    }

    async fn arrive(
        &self,
        provider: &Provider,
        secrets: &Secrets,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<Arrival, Outage> {
        let metadata = self.known.of(provider.org, &provider.issuer, now).await?;
        let exchanged = self.exchange(&client(&metadata, provider)?, secrets, code).await?;
        let reply = match exchanged {
            Ok(reply) => reply,
            Err(doubt) => return Ok(Arrival::Refused(doubt)),
        };
        match token::judge(&reply, &metadata, provider, secrets, now) {
            Judged::Sound(person) => Ok(Arrival::Proven(person)),
            Judged::Unsound(doubt) => Ok(Arrival::Refused(doubt)),
            Judged::KeyUnknown => {
                let Some(metadata) = self.known.for_a_key(provider.org, &provider.issuer, now).await? else {
                    return Ok(Arrival::Refused(Doubt::Signature));
                };
                Ok(match token::judge(&reply, &metadata, provider, secrets, now) {
                    Judged::Sound(person) => Arrival::Proven(person),
                    Judged::Unsound(doubt) => Arrival::Refused(doubt),
                    Judged::KeyUnknown => Arrival::Refused(Doubt::Signature),
                })
            }
        }
    }
}

fn client(metadata: &Metadata, provider: &Provider) -> Result<Ready, Outage> {
    let secret = ClientSecret::new(provider.client_secret.reveal().clone());
    let return_to = RedirectUrl::new(provider.return_to.clone()).map_err(|_| refused("return_address"))?;
    // What every provider takes unless it says otherwise (OpenID Connect Discovery 1.0, section 3).
    let basic = metadata
        .token_endpoint_auth_methods_supported()
        .is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    let way = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
    let id = ClientId::new(provider.client_id.clone());
    Ok(Client::from_provider_metadata(metadata.clone(), id, Some(secret))
        .set_redirect_uri(return_to)
        .set_auth_type(way))
}

fn refused(code: &str) -> Outage {
    outage(OutageKind::Refused(code.to_owned()))
}

const fn outage(kind: OutageKind) -> Outage {
    Outage { dependency: "sign-on", kind }
}
