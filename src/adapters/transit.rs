//! Keys that never leave HashiCorp Vault: its Transit engine wraps, marks and signs (HTTP API of Vault 1.x, `secret/transit`).
//! It needs three keys there: `PREFIX-wrap` (chacha20-poly1305, derived), `PREFIX-mark` (hmac or aes256-gcm96) and
//! `PREFIX-sign` (ed25519). Rotation is Vault's own; `careline keys rewrap` then lets the newest version take over.

use crate::{
    domain::{checkpoint::PublicKey, ids::OrgId, private::Private, sealed::WrappedKey},
    ports::{
        Outage, OutageKind,
        keys::{Keys, Mark, Purpose, SealKey, Signature},
    },
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use url::Url;
use zeroize::Zeroizing;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Transit behind a base URL.
pub struct Transit {
    http: reqwest::Client,
    base: String,
    prefix: String,
    token: Private<String>,
    /// Newest version of the wrapping key that was seen.
    newest: AtomicU64,
}

impl Transit {
    /// Asks Vault for the wrapping key's version, so that a Vault that is sealed or refuses is known at the start. `address`
    /// is such as `https://vault.example.org:8200/v1/transit/keys-careline`: mount, then `keys-` and the prefix.
    ///
    /// # Errors
    /// When the address has no such end, or Vault does not answer as it should.
    pub async fn open(address: &Url, token: Private<String>) -> Result<Self, Outage> {
        let (base, prefix) = address.as_str().rsplit_once("/keys-").ok_or_else(|| refused("address"))?;
        let mut http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        if address.host_str().is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]")) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|_| refused("no_tls"))?;
        let (base, prefix) = (base.to_owned(), prefix.trim_end_matches('/').to_owned());
        let opened = Self { http, base, prefix, token, newest: AtomicU64::new(0) };
        opened.look().await?;
        Ok(opened)
    }

    /// Reads the newest version of the wrapping key.
    async fn look(&self) -> Result<u64, Outage> {
        let key = self.ask(self.http.get(self.address("keys", "wrap", ""))).await?;
        if key.get("derived").and_then(Value::as_bool) != Some(true) {
            return Err(refused("key_not_derived"));
        }
        let newest = key.get("latest_version").and_then(Value::as_u64).ok_or_else(garbled)?;
        self.newest.fetch_max(newest, Ordering::Relaxed);
        Ok(newest)
    }

    fn address(&self, what: &str, key: &str, more: &str) -> String {
        format!("{}/{what}/{}-{key}{more}", self.base, self.prefix)
    }

    async fn post(&self, what: &str, key: &str, more: &str, body: &Value) -> Result<Value, Outage> {
        self.ask(self.http.post(self.address(what, key, more)).json(body)).await
    }

    /// One request; returns the `data` of the reply. Vault's own words are never repeated: they may quote what was sent.
    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Value, Outage> {
        let reply =
            request.header("X-Vault-Token", self.token.reveal()).send().await.map_err(|fault| meaning(&fault))?;
        let kind = match reply.status().as_u16() {
            200 => {
                let mut body: Value = reply.json().await.map_err(|_| garbled())?;
                return body.get_mut("data").map(Value::take).ok_or_else(garbled);
            }
            400 => OutageKind::Refused("wrapped_key".to_owned()),
            403 => OutageKind::Refused("denied".to_owned()),
            404 => OutageKind::Refused("unknown_key".to_owned()),
            429 => OutageKind::Throttled,
            // 503 is a sealed Vault, 472 and 473 are standby nodes; all may answer later.
            _ => OutageKind::Broken,
        };
        Err(outage(kind))
    }

    /// `vault:v3:...` becomes the version's name here and the rest.
    fn named(&self, text: &str) -> Result<(String, String), Outage> {
        let (version, _) = text.strip_prefix("vault:v").and_then(|rest| rest.split_once(':')).ok_or_else(garbled)?;
        let version: u64 = version.parse().map_err(|_| garbled())?;
        Ok((self.name(version), text.to_owned()))
    }

    fn name(&self, version: u64) -> String {
        format!("{}/{version}", self.prefix)
    }

    fn version(&self, name: &str) -> Result<u64, Outage> {
        name.strip_prefix(&self.prefix)
            .and_then(|rest| rest.strip_prefix('/')?.parse().ok())
            .ok_or_else(|| refused("unknown_key"))
    }
}

#[async_trait]
impl Keys for Transit {
    fn wrapping_key(&self) -> String {
        self.name(self.newest.load(Ordering::Relaxed))
    }

    async fn wrap(&self, org: OrgId, key: &SealKey) -> Result<WrappedKey, Outage> {
        let plaintext = Zeroizing::new(STANDARD.encode(key.0.as_slice()));
        let body = json!({ "plaintext": plaintext.as_str(), "context": context(org) });
        let reply = self.post("encrypt", "wrap", "", &body).await?;
        let (name, bytes) = self.named(text(&reply, "ciphertext")?)?;
        self.newest.fetch_max(self.version(&name)?, Ordering::Relaxed);
        Ok(WrappedKey { key: name, bytes: bytes.into_bytes() })
    }

    async fn unwrap(&self, org: OrgId, wrapped: &WrappedKey) -> Result<SealKey, Outage> {
        let ciphertext = std::str::from_utf8(&wrapped.bytes).map_err(|_| refused("wrapped_key"))?;
        // The name beside the bytes and the version in them are one thing; two names would hide a key that is still needed.
        if self.named(ciphertext).map_err(|_| refused("wrapped_key"))?.0 != wrapped.key {
            return Err(refused("unknown_key"));
        }
        let body = json!({ "ciphertext": ciphertext, "context": context(org) });
        let reply = self.post("decrypt", "wrap", "", &body).await?;
        let plain = Zeroizing::new(STANDARD.decode(text(&reply, "plaintext")?).map_err(|_| garbled())?);
        let key: [u8; 32] = plain.as_slice().try_into().map_err(|_| garbled())?;
        Ok(SealKey(Zeroizing::new(key)))
    }

    async fn mark(&self, purpose: Purpose, org: OrgId, key: Option<&str>, bytes: &[u8]) -> Result<Mark, Outage> {
        let what = match purpose {
            Purpose::Password => "password",
            Purpose::Entry => "entry",
            Purpose::Lookup => "lookup",
            Purpose::Code => "code",
        };
        let input = [format!("careline/{what}/{org}/").as_bytes(), bytes].concat();
        let mut body = json!({ "input": STANDARD.encode(input) });
        if let (Some(name), Some(fields)) = (key, body.as_object_mut()) {
            fields.insert("key_version".to_owned(), json!(self.version(name)?));
        }
        let reply = self.post("hmac", "mark", "/sha2-256", &body).await.map_err(|outage| match outage.kind {
            OutageKind::Refused(code) if code == "wrapped_key" => refused("unknown_key"),
            kind => Outage { dependency: outage.dependency, kind },
        })?;
        let (name, whole) = self.named(text(&reply, "hmac")?)?;
        Ok(Mark { key: name, bytes: last_part(&whole)? })
    }

    async fn sign(&self, bytes: &[u8]) -> Result<Signature, Outage> {
        let reply = self.post("sign", "sign", "", &json!({ "input": STANDARD.encode(bytes) })).await?;
        let (name, whole) = self.named(text(&reply, "signature")?)?;
        let public = self.signers().await?;
        let public = public.into_iter().find(|key| key.name == name).ok_or_else(garbled)?;
        Ok(Signature { key: name, public: public.bytes.to_vec(), bytes: last_part(&whole)? })
    }

    async fn signers(&self) -> Result<Vec<PublicKey>, Outage> {
        let key = self.ask(self.http.get(self.address("keys", "sign", ""))).await?;
        let versions = key.get("keys").and_then(Value::as_object).ok_or_else(garbled)?;
        let mut found = Vec::new();
        for (version, key) in versions {
            let number: u64 = version.parse().map_err(|_| garbled())?;
            let bytes = STANDARD.decode(text(key, "public_key")?).map_err(|_| garbled())?;
            let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| garbled())?;
            found.push((number, PublicKey { name: self.name(number), bytes }));
        }
        found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        Ok(found.into_iter().map(|(_, key)| key).collect())
    }
}

/// What a derived key is derived for: each organization has its own.
fn context(org: OrgId) -> String {
    STANDARD.encode(format!("careline/data-key/{org}"))
}

fn text<'a>(reply: &'a Value, field: &str) -> Result<&'a str, Outage> {
    reply.get(field).and_then(Value::as_str).ok_or_else(garbled)
}

fn last_part(whole: &str) -> Result<Vec<u8>, Outage> {
    let part = whole.rsplit(':').next().unwrap_or_default();
    STANDARD.decode(part).map_err(|_| garbled())
}

fn meaning(fault: &reqwest::Error) -> Outage {
    outage(if fault.is_timeout() {
        OutageKind::TimedOut
    } else if fault.is_connect() || fault.is_builder() {
        OutageKind::Unreachable
    } else {
        OutageKind::Broken
    })
}

fn refused(code: &str) -> Outage {
    outage(OutageKind::Refused(code.to_owned()))
}

const fn garbled() -> Outage {
    outage(OutageKind::Garbled)
}

const fn outage(kind: OutageKind) -> Outage {
    Outage { dependency: "keys", kind }
}
