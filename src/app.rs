//! Everything a flow needs, in one struct. Nothing in it is optional: what is not configured has a mode of its own.

use crate::{
    domain::{dialling::Dialling, pace::Patience},
    live::Live,
    passwords::Passwords,
    ports::{
        clock::Clock,
        conferences::Conferences,
        egress::Egress,
        embeddings::Embeddings,
        llm::Llm,
        mailer::Mailer,
        objects::Objects,
        phone::{MediaWire, Phone},
        sign_on::SingleSignOn,
        speech::Engines,
        texts::Texts,
        vectors::Vectors,
    },
    store::Db,
};
use std::sync::Arc;

pub use crate::vault::Vault;

/// The application: ports and settings, shared by web, jobs, evals and benchmarks.
pub struct App {
    /// The database; `Db::begin` is the only way to a connection.
    pub db: Db,
    /// Business time.
    pub clock: Arc<dyn Clock>,
    /// The carrier.
    pub phone: Arc<dyn Phone>,
    /// The carrier's conferences.
    pub conferences: Arc<dyn Conferences>,
    /// The carrier's texts.
    pub texts: Arc<dyn Texts>,
    /// The carrier's media protocol.
    pub media: Arc<dyn MediaWire>,
    /// Speech to text: the engines, in the order they are asked.
    pub speech: Engines,
    /// How answers are written.
    pub guide: Guide,
    /// The passage index.
    pub vectors: Arc<dyn Vectors>,
    /// Seals small secrets; behind it are the keys.
    pub vault: Vault,
    /// Hashes and compares passwords.
    pub passwords: Passwords,
    /// Where files are kept, encrypted.
    pub objects: Arc<dyn Objects>,
    /// The second place, where signed checkpoints of the record are written once.
    pub witness: Arc<dyn Objects>,
    /// Letters to staff.
    pub mailer: Arc<dyn Mailer>,
    /// The only way out to addresses that people or peers wrote.
    pub egress: Arc<dyn Egress>,
    /// The sign-in providers that organizations trust.
    pub sign_on: Arc<dyn SingleSignOn>,
    /// Fan-out to open sockets.
    pub live: Live,
    /// Settings that flows read.
    pub settings: Settings,
}

/// How answers are written.
pub enum Guide {
    /// No model: the passages themselves, quoted.
    Extractive,
    /// A model writes, every span is verified, passages are shown when it fails.
    Generated {
        /// The language model.
        llm: Arc<dyn Llm>,
        /// Its embeddings, for search by meaning.
        embeddings: Arc<dyn Embeddings>,
    },
}

/// Settings that flows read.
#[derive(Clone)]
pub struct Settings {
    /// Key of the HMAC over call codes; at least 32 bytes.
    pub call_code_key: Arc<[u8]>,
    /// The origin under which browsers reach us, without a slash at the end.
    pub public_url: Arc<str>,
    /// Whether cookies carry `Secure` and the `__Host-` name; off only on a loopback address.
    pub secure_cookies: bool,
    /// The host at which the carrier's script in a nurse's browser registers.
    pub browser_signalling: Arc<str>,
    /// How long a telephone may ring.
    pub ring_seconds: u64,
    /// How dialling is bounded in time and number.
    pub dialling: Dialling,
    /// How many proxies of the operator stand between browsers and us; each appends to `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// How many times the usual pace is allowed; 1 outside tests and benchmarks.
    pub patience: Patience,
}
