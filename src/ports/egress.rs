//! Requests to addresses that a person or a peer wrote: sign-in providers, hospital systems, webhooks of others. The only
//! way out for them; it goes to public hosts alone.

use super::Outage;
use async_trait::async_trait;

/// Sends what must not be tricked into our own network.
#[async_trait]
pub trait Egress: Send + Sync {
    /// Sends one request and returns the whole reply: at most 10 MiB, within 10 seconds, no redirect followed.
    ///
    /// # Errors
    /// `Refused` with a code when the address may not be gone to (`address_...`) or the reply is too large
    /// (`reply_too_large`); otherwise when the other side fails.
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Outage>;
}
