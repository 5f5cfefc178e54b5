//! Passkeys (Web Authentication, W3C level 3): what is asked of a browser and what its answer proves. The ceremonies are
//! webauthn-rs's; here stand our rules: user verification always, credentials the authenticator can find by itself, one
//! answer for one challenge, counters that never fall.

use super::{ids::StaffId, private::Private};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::{Host, Url};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

/// Why there are no passkeys at this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPasskeys {
    /// The origin's host is an IP address, which cannot be a relying party (WebAuthn level 3, section 4).
    #[error("passkeys need a host name; this Careline is reached by an IP address, so use an authenticator app")]
    Numeric,
    /// Browsers offer passkeys on https and on `localhost` only.
    #[error("passkeys need https; this Careline is reached without it, so use an authenticator app")]
    Open,
}

/// Why an answer was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be read, or was made for another challenge, origin or credential.
    Wrong,
    /// The authenticator did not verify its user by PIN, finger or face.
    Unverified,
    /// The signature counter did not rise: the passkey may have been copied (WebAuthn level 3, section 6.1.1).
    Regressed,
}

impl Refusal {
    /// The word recorded.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Unverified => "unverified",
            Self::Regressed => "counter_regressed",
        }
    }
}

/// A challenge: what the browser gets, and what we keep until it answers.
pub struct Challenge {
    /// The options for `navigator.credentials`, as JSON with base64url bytes.
    pub options: Value,
    /// What the answer is compared with.
    pub state: Value,
}

/// A credential as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// The id that the authenticator chose.
    pub id: Vec<u8>,
    /// Public key and flags.
    pub body: Value,
    /// The signature counter; 0 for authenticators that have none.
    pub counter: i64,
}

/// We, as authenticators know us: the host of our origin.
pub struct RelyingParty(Webauthn);

impl RelyingParty {
    /// The relying party of an origin.
    ///
    /// # Errors
    /// When browsers give that origin no passkeys.
    pub fn of(public_url: &str) -> Result<Self, NoPasskeys> {
        let origin = Url::parse(public_url).map_err(|_| NoPasskeys::Numeric)?;
        let Some(Host::Domain(host)) = origin.host() else { return Err(NoPasskeys::Numeric) };
        if origin.scheme() != "https" && host != "localhost" {
            return Err(NoPasskeys::Open);
        }
        WebauthnBuilder::new(host, &origin)
            .and_then(|builder| builder.rp_name("Careline").build())
            .map(Self)
            .map_err(|_| NoPasskeys::Numeric)
    }

    /// Asks for a new credential of a staff member; authenticators that hold one of `known` already decline.
    ///
    /// # Errors
    /// When the name is empty or a state cannot be written.
    pub fn register(
        &self,
        staff: StaffId,
        email: &str,
        full_name: &str,
        known: &[Vec<u8>],
    ) -> Result<Challenge, Refusal> {
        let known = known.to_vec();
        let (options, state) =
            self.0.start_passkey_registration(staff.0, email, full_name, Some(known)).map_err(|_| Refusal::Wrong)?;
        let mut options = serde_json::to_value(options).map_err(|_| Refusal::Wrong)?;
        // Who signs in without a password is found by the authenticator, so it must keep the credential.
        if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
            merge(selection, &json!({ "residentKey": "required", "requireResidentKey": true }));
        }
        Ok(Challenge { options, state: serde_json::to_value(state).map_err(|_| Refusal::Wrong)? })
    }

    /// Reads the answer to `register`.
    ///
    /// # Errors
    /// When it was not made for that challenge by an authenticator that verified its user.
    pub fn registered(&self, state: Value, answer: &str) -> Result<Credential, Refusal> {
        let state: PasskeyRegistration = serde_json::from_value(state).map_err(|_| Refusal::Wrong)?;
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(|_| Refusal::Wrong)?;
        let passkey = self.0.finish_passkey_registration(&answer, &state).map_err(|error| refusal(&error))?;
        let body = serde_json::to_value(&passkey).map_err(|_| Refusal::Wrong)?;
        let counter = body.pointer("/cred/counter").and_then(Value::as_i64).unwrap_or(0);
        Ok(Credential { id: passkey.cred_id().clone(), body, counter })
    }

    /// Asks for a proof by one of `known`, or by any credential the authenticator finds when none is named.
    ///
    /// # Errors
    /// When a state cannot be written.
    pub fn ask(&self, known: &[Vec<u8>]) -> Result<Challenge, Refusal> {
        let (mut options, state) = self.0.start_discoverable_authentication().map_err(|_| Refusal::Wrong)?;
        // A person presses a button for it; nothing is offered while they type.
        options.mediation = None;
        let mut options = serde_json::to_value(options).map_err(|_| Refusal::Wrong)?;
        let named: Vec<Value> =
            known.iter().map(|id| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) })).collect();
        if let Some(public) = options.pointer_mut("/publicKey") {
            merge(public, &json!({ "allowCredentials": named }));
        }
        Ok(Challenge { options, state: serde_json::to_value(state).map_err(|_| Refusal::Wrong)? })
    }

    /// Reads the answer to `ask` with the credential it names; returns that credential as it is to be kept now.
    ///
    /// # Errors
    /// When it proves nothing: another challenge, another person's handle, no user verification, a fallen counter.
    pub fn proven(
        &self,
        state: Value,
        answer: &Answer,
        owner: StaffId,
        kept: &Credential,
    ) -> Result<Credential, Refusal> {
        let handle = answer.0.reveal().get_user_unique_id();
        if handle.is_some_and(|handle| handle != owner.0.as_bytes()) {
            return Err(Refusal::Wrong);
        }
        let state: DiscoverableAuthentication = serde_json::from_value(state).map_err(|_| Refusal::Wrong)?;
        let mut passkey: Passkey = serde_json::from_value(kept.body.clone()).map_err(|_| Refusal::Wrong)?;
        let key = DiscoverableKey::from(&passkey);
        let result = self
            .0
            .finish_discoverable_authentication_v2(answer.0.reveal(), state, &key)
            .map_err(|error| refusal(&error))?;
        if !result.user_verified() {
            return Err(Refusal::Unverified);
        }
        passkey.update_credential(&result);
        let body = serde_json::to_value(&passkey).map_err(|_| Refusal::Wrong)?;
        Ok(Credential { id: kept.id.clone(), body, counter: i64::from(result.counter()) })
    }
}

/// An authenticator's answer to `ask`.
pub struct Answer(Private<PublicKeyCredential>);

impl Answer {
    /// Reads one.
    ///
    /// # Errors
    /// When it is not the JSON of a `PublicKeyCredential`.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        serde_json::from_str(text).map(|answer| Self(Private::new(answer))).map_err(|_| Refusal::Wrong)
    }

    /// The id of the credential that answered.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        self.0.reveal().get_credential_id()
    }
}

fn refusal(error: &WebauthnError) -> Refusal {
    match error {
        WebauthnError::CredentialPossibleCompromise => Refusal::Regressed,
        WebauthnError::UserNotVerified => Refusal::Unverified,
        _ => Refusal::Wrong,
    }
}

/// Writes the fields of one JSON object over another.
fn merge(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}
