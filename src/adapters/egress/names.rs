//! Looking names up, and judging every address that is found.

use crate::domain::destination::is_public;
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Who knows the addresses of a name.
#[async_trait]
pub trait Names: Send + Sync {
    /// Every address of a name.
    ///
    /// # Errors
    /// When it has none, or nobody answers.
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A name that leads into a network nearby. One such address among public ones is enough: whoever sends a mixture hopes
/// for the other one.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
pub(super) struct Nearby;

/// Names whose every address was judged; asked by the connection itself, once for each.
pub(super) struct Guarded {
    pub(super) names: Arc<dyn Names>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.names);
        Box::pin(async move {
            let found = names.look_up(name.as_str()).await?;
            if found.is_empty() || !found.iter().copied().all(is_public) {
                return Err(Nearby.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
