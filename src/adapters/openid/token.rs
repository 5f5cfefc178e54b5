//! The checks of an identity token (OpenID Connect Core 1.0, section 3.1.3.7): issuer, audience, authorized party,
//! signature of a kind we take, nonce, time.

use super::known::Metadata;
use crate::{
    domain::{private::Private, sign_on::Person},
    ports::sign_on::{Doubt, Provider, Secrets},
};
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, EmptyExtraTokenFields, IdTokenClaims, IdTokenFields,
    IdTokenVerifier, Nonce, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm as Alg, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The signatures we take: a provider's private key made them. Never `none`, never one made with our own secret, which
/// the provider shares.
const TAKEN: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];
/// How far a provider's clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(2);
/// How old a token may be that answers a question we have just asked.
const OLD: TimeDelta = TimeDelta::minutes(15);

/// Every claim that the library does not name; the groups are among them, under a name an organization chooses.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Others(BTreeMap<String, Value>);

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<Others, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, Alg>;

/// What a provider answers a code with.
pub(super) type Reply = StandardTokenResponse<Fields, CoreTokenType>;

/// The library's client with every claim kept.
pub(super) type Client<A, D, I, R, T, U> = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Reply,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    A,
    D,
    I,
    R,
    T,
    U,
>;

/// What came of the checks.
pub(super) enum Judged {
    Sound(Person),
    Unsound(Doubt),
    KeyUnknown,
}

pub(super) fn judge(
    reply: &Reply,
    metadata: &Metadata,
    provider: &Provider,
    secrets: &Secrets,
    now: DateTime<Utc>,
) -> Judged {
    let Some(token) = reply.id_token() else { return Judged::Unsound(Doubt::Token) };
    let id = ClientId::new(provider.client_id.clone());
    // The verifier of a client without a secret takes no signature made with one.
    let verifier = IdTokenVerifier::new_public_client(id, metadata.issuer().clone(), metadata.jwks().clone())
        .set_allowed_algs(TAKEN)
        .set_time_fn(move || now)
        .set_issue_time_verifier_fn(move |issued| {
            let timely = issued <= now + AHEAD && issued >= now - OLD;
            if timely { Ok(()) } else { Err("issued at another time".to_owned()) }
        });
    match token.claims(&verifier, &Nonce::new(secrets.nonce.reveal().clone())) {
        Ok(claims) if !is_ours(claims, &provider.client_id) => Judged::Unsound(Doubt::Audience),
        Ok(claims) => Judged::Sound(person(claims, &provider.group_claim)),
        Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
            Judged::KeyUnknown
        }
        Err(error) => Judged::Unsound(doubt(&error)),
    }
}

fn doubt(error: &ClaimsVerificationError) -> Doubt {
    match error {
        ClaimsVerificationError::Expired(_) => Doubt::Time,
        ClaimsVerificationError::InvalidAudience(_) => Doubt::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => Doubt::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => Doubt::Nonce,
        ClaimsVerificationError::SignatureVerification(_) => Doubt::Signature,
        _ => Doubt::Token,
    }
}

/// Whether a token that names an authorized party names us. The library leaves this to its callers.
fn is_ours(claims: &IdTokenClaims<Others, CoreGenderClaim>, client_id: &str) -> bool {
    claims.authorized_party().is_none_or(|party| party.as_str() == client_id)
}

fn person(claims: &IdTokenClaims<Others, CoreGenderClaim>, group_claim: &str) -> Person {
    let email = claims.email().filter(|_| claims.email_verified() == Some(true));
    let name = claims.name().and_then(|names| names.get(None)).map(|name| name.as_str().to_owned());
    let fallback = || email.map(|email| email.as_str().to_owned()).unwrap_or_default();
    Person {
        subject: claims.subject().as_str().to_owned(),
        email: email.map(|email| Private::new(email.as_str().to_owned())),
        full_name: Private::new(name.unwrap_or_else(fallback)),
        proven_at: claims.auth_time(),
        groups: groups(claims.additional_claims().0.get(group_claim)),
    }
}

/// One group as a word, or several as a list.
fn groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}
