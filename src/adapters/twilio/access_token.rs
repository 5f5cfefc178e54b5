//! Tokens by which a browser registers with the carrier: JWT signed with an API key
//! (<https://www.twilio.com/docs/iam/access-tokens>). They allow to be rung and nothing else: no outgoing application is
//! granted, so a browser can never dial.

use crate::{
    domain::{credential::BrowserKey, line::BrowserId, private::Private},
    ports::phone::BROWSER_PASS_SECONDS,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// Writes one. `None` when the key's secret cannot sign, which no text is.
pub(super) fn write(
    account: &str,
    key: &BrowserKey,
    browser: &BrowserId,
    now: DateTime<Utc>,
) -> Option<Private<String>> {
    let issued = now.timestamp();
    let head = json!({ "typ": "JWT", "alg": "HS256", "cty": "twilio-fpa;v=1" });
    let claims = json!({
        "jti": format!("{}-{}", key.sid, uuid::Uuid::from_bytes(rand::random()).simple()),
        "iss": key.sid,
        "sub": account,
        "iat": issued,
        "nbf": issued,
        "exp": issued + BROWSER_PASS_SECONDS,
        "grants": { "identity": browser.reveal(), "voice": { "incoming": { "allow": true } } },
    });
    let said = format!("{}.{}", part(&head), part(&claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.secret.reveal().as_bytes()).ok()?;
    mac.update(said.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Some(Private::new(format!("{said}.{signature}")))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
