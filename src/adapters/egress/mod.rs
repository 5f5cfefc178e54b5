//! The guarded way out. An address is judged as text; its name is looked up once, by the connection itself, and every
//! address found is judged; the connection goes to one of these very addresses. So nobody can answer one thing when asked
//! and another when gone to. Redirects are not followed and proxies of the environment are not used.

mod names;

pub use names::{Names, SystemNames};

use crate::{
    domain::destination::{Bounds, Destination},
    ports::{Outage, OutageKind, egress::Egress},
};
use async_trait::async_trait;
use futures_util::StreamExt;
use names::Guarded;
use std::{sync::Arc, time::Duration};

/// Most bytes of a reply.
pub const LARGEST_REPLY: usize = 10 * 1024 * 1024;
/// How long a request may take, from the look-up of the name to the last byte.
const WITHIN: Duration = Duration::from_secs(10);

/// The guarded way out.
pub struct GuardedEgress {
    bounds: Bounds,
    web: reqwest::Client,
}

impl GuardedEgress {
    /// A way out within bounds, with names looked up by the machine.
    ///
    /// # Errors
    /// When the machine's TLS cannot be used.
    pub fn new(bounds: Bounds) -> Result<Self, Outage> {
        Self::with_names(bounds, Arc::new(SystemNames))
    }

    /// The same with names looked up elsewhere.
    ///
    /// # Errors
    /// When the machine's TLS cannot be used.
    pub fn with_names(bounds: Bounds, names: Arc<dyn Names>) -> Result<Self, Outage> {
        let web = reqwest::Client::builder()
            .dns_resolver(Guarded { names })
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(WITHIN)
            .connect_timeout(WITHIN / 2)
            // A connection kept open would outlive what its address was judged by.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("careline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| outage(OutageKind::Refused("tls".to_owned())))?;
        Ok(Self { bounds, web })
    }
}

#[async_trait]
impl Egress for GuardedEgress {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Outage> {
        let (head, body) = request.into_parts();
        let destination = Destination::judge(&head.uri.to_string(), &self.bounds)
            .map_err(|barred| outage(OutageKind::Refused(barred.code().to_owned())))?;
        let sent = self.web.request(head.method, destination.url().clone()).headers(head.headers).body(body).send();
        let reply = sent.await.map_err(|fault| meaning(&fault))?;
        let mut whole = http::Response::builder().status(reply.status());
        if let Some(headers) = whole.headers_mut() {
            headers.clone_from(reply.headers());
        }
        let body = read(reply).await?;
        whole.body(body).map_err(|_| outage(OutageKind::Garbled))
    }
}

async fn read(reply: reqwest::Response) -> Result<Vec<u8>, Outage> {
    let mut body = Vec::new();
    let mut pieces = reply.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|fault| meaning(&fault))?;
        if body.len().saturating_add(piece.len()) > LARGEST_REPLY {
            return Err(outage(OutageKind::Refused("reply_too_large".to_owned())));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What a fault means; its own text would repeat the address.
fn meaning(fault: &reqwest::Error) -> Outage {
    let mut cause: Option<&dyn std::error::Error> = Some(fault);
    while let Some(error) = cause {
        if error.is::<names::Nearby>() {
            return outage(OutageKind::Refused("address_nearby".to_owned()));
        }
        cause = error.source();
    }
    outage(if fault.is_timeout() {
        OutageKind::TimedOut
    } else if fault.is_connect() {
        OutageKind::Unreachable
    } else {
        OutageKind::Broken
    })
}

const fn outage(kind: OutageKind) -> Outage {
    Outage { dependency: "egress", kind }
}
