//! How letters are brought: over HTTP to the product's own door, and how long each took to be answered.

use super::letters::Letter;
use crate::bench::Broken;
use reqwest::{Client, StatusCode, header::HeaderValue};
use std::time::{Duration, Instant};

/// Whoever brings letters.
#[derive(Clone)]
pub struct Postman {
    web: Client,
    origin: String,
}

/// A letter as it is handed over, genuine or not.
#[derive(Clone, Debug)]
pub struct Handed {
    /// Path and query.
    pub path: String,
    /// The raw body.
    pub body: Vec<u8>,
    /// The signature header, if any.
    pub signature: Option<String>,
    /// Another host than the one it goes to, in every header that names one.
    pub host: Option<String>,
}

impl From<&Letter> for Handed {
    fn from(letter: &Letter) -> Self {
        Self {
            path: letter.path.clone(),
            body: letter.body().into_bytes(),
            signature: Some(letter.signature.clone()),
            host: None,
        }
    }
}

impl Postman {
    /// One for an origin.
    ///
    /// # Errors
    /// When the HTTP library does not start.
    pub fn to(origin: &str) -> Result<Self, Broken> {
        let web = Client::builder().no_proxy().timeout(Duration::from_secs(15)).build().map_err(Broken::of)?;
        Ok(Self { web, origin: origin.to_owned() })
    }

    /// Hands a letter over: the status it was answered with and how long that took. `None` when it cannot be said in
    /// HTTP at all, or nobody answered.
    pub async fn hand(&self, handed: Handed) -> Option<(StatusCode, Duration)> {
        let mut request = self
            .web
            .post(format!("{}{}", self.origin, handed.path))
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(handed.body);
        if let Some(signature) = handed.signature {
            request = request.header("x-twilio-signature", HeaderValue::from_str(&signature).ok()?);
        }
        if let Some(host) = handed.host {
            request = request.header("host", &host).header("x-forwarded-host", &host).header("x-original-host", host);
        }
        let began = Instant::now();
        let reply = request.send().await.ok()?;
        let status = reply.status();
        reply.bytes().await.ok()?;
        Some((status, began.elapsed()))
    }
}
