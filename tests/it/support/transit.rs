//! A small server of Vault's Transit API, for as much of it as keys need: derived encryption, HMAC, Ed25519, versions,
//! rotation, a least version for decryption. It can be told to be sealed.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};

/// The token it takes.
pub const TOKEN: &str = "hvs.example-token-of-a-test";

/// Its state: how many versions each key has, from which on it decrypts, whether it is sealed.
pub struct Engineered {
    pub versions: u64,
    pub least: u64,
    pub sealed: bool,
    pub derived: bool,
    pub secret: [u8; 32],
}

pub type Shared = Arc<Mutex<Engineered>>;

/// Serves one; returns the address of its keys.
pub async fn serve() -> (String, Shared) {
    let state: Shared = Arc::new(Mutex::new(Engineered {
        versions: 1,
        least: 1,
        sealed: false,
        derived: true,
        secret: rand::random(),
    }));
    let routes = Router::new()
        .route("/v1/transit/keys/{key}", get(key))
        .route("/v1/transit/{what}/{key}", post(simple))
        .route("/v1/transit/hmac/{key}/sha2-256", post(hmac))
        .with_state(Arc::clone(&state));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (format!("http://{address}/v1/transit/keys-careline"), state)
}

impl Engineered {
    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let errors = |status: StatusCode| (status, Json(json!({ "errors": ["not shown to anybody"] }))).into_response();
        if self.sealed {
            return Some(errors(StatusCode::SERVICE_UNAVAILABLE));
        }
        (headers.get("x-vault-token").is_none_or(|token| token != TOKEN)).then(|| errors(StatusCode::FORBIDDEN))
    }

    fn derive(&self, what: &str, version: u64, context: &str) -> [u8; 32] {
        Sha256::digest([self.secret.as_slice(), format!("{what}/{version}/{context}").as_bytes()].concat()).into()
    }
}

fn reply(value: Value) -> Response {
    Json(json!({ "data": value })).into_response()
}

fn bad() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "errors": ["unable to do that"] }))).into_response()
}

async fn key(State(state): State<Shared>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let state = state.lock().unwrap();
    if let Some(refusal) = state.refusal(&headers) {
        return refusal;
    }
    let versions: serde_json::Map<String, Value> = (1..=state.versions)
        .map(|version| {
            let public = SigningKey::from_bytes(&state.derive("sign", version, "")).verifying_key().to_bytes();
            (version.to_string(), json!({ "public_key": STANDARD.encode(public) }))
        })
        .collect();
    match key.as_str() {
        "careline-wrap" => reply(json!({ "latest_version": state.versions, "derived": state.derived })),
        "careline-sign" => reply(json!({ "latest_version": state.versions, "keys": versions })),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn simple(
    State(state): State<Shared>,
    Path((what, key)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let state = state.lock().unwrap();
    if let Some(refusal) = state.refusal(&headers) {
        return refusal;
    }
    let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let now = state.versions;
    match (what.as_str(), key.as_str()) {
        ("encrypt", "careline-wrap") => {
            let cipher = XChaCha20Poly1305::new(&state.derive("wrap", now, &field("context")).into());
            let nonce: [u8; 24] = rand::random();
            let plain = STANDARD.decode(field("plaintext")).unwrap();
            let sealed = cipher.encrypt(&XNonce::from(nonce), plain.as_slice()).unwrap();
            let text = STANDARD.encode([nonce.as_slice(), &sealed].concat());
            reply(json!({ "ciphertext": format!("vault:v{now}:{text}") }))
        }
        ("decrypt", "careline-wrap") => {
            let ciphertext = field("ciphertext");
            let mut parts = ciphertext.splitn(3, ':').skip(1);
            let version: u64 = parts.next().unwrap().trim_start_matches('v').parse().unwrap();
            let Ok(bytes) = STANDARD.decode(parts.next().unwrap()) else { return bad() };
            let cipher = XChaCha20Poly1305::new(&state.derive("wrap", version, &field("context")).into());
            let Some((nonce, sealed)) = bytes.split_first_chunk::<24>() else { return bad() };
            match cipher.decrypt(&XNonce::from(*nonce), sealed) {
                Ok(plain) if version >= state.least => reply(json!({ "plaintext": STANDARD.encode(plain) })),
                Ok(_) | Err(_) => bad(),
            }
        }
        ("sign", "careline-sign") => {
            let key = SigningKey::from_bytes(&state.derive("sign", now, ""));
            let signature = key.sign(&STANDARD.decode(field("input")).unwrap()).to_bytes();
            reply(json!({ "signature": format!("vault:v{now}:{}", STANDARD.encode(signature)) }))
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn hmac(
    State(state): State<Shared>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let state = state.lock().unwrap();
    if let Some(refusal) = state.refusal(&headers) {
        return refusal;
    }
    let version = body["key_version"].as_u64().unwrap_or(state.versions);
    if key != "careline-mark" || version > state.versions {
        return bad();
    }
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&state.derive("mark", version, "")).unwrap();
    mac.update(&STANDARD.decode(body["input"].as_str().unwrap()).unwrap());
    reply(json!({ "hmac": format!("vault:v{version}:{}", STANDARD.encode(mac.finalize().into_bytes())) }))
}
