//! What is known of providers: description and keys, per organization and issuer.

use super::{outage, refused, wire::Wire};
use crate::{
    domain::ids::OrgId,
    ports::{Outage, OutageKind},
};
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{DiscoveryError, IssuerUrl, core::CoreProviderMetadata};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A provider's description, with its keys.
pub(super) type Metadata = CoreProviderMetadata;

/// How long a description is believed.
const BELIEVED: TimeDelta = TimeDelta::hours(1);
/// How often an unknown key may make us ask again.
const AGAIN: TimeDelta = TimeDelta::minutes(1);
/// Most providers remembered; more make us forget all, which costs a fetch each.
const MOST: usize = 1000;

#[derive(Clone)]
struct Entry {
    metadata: Arc<Metadata>,
    fetched_at: DateTime<Utc>,
    /// When an unknown key last made us ask.
    asked_at: Option<DateTime<Utc>>,
}

/// The providers that are known.
pub(super) struct Known {
    wire: Wire,
    entries: Mutex<HashMap<(OrgId, String), Entry>>,
}

impl Known {
    pub(super) fn over(wire: Wire) -> Self {
        Self { wire, entries: Mutex::default() }
    }

    /// What is known of a provider, fetched when it is not, or is too old to be believed.
    pub(super) async fn of(&self, org: OrgId, issuer: &str, now: DateTime<Utc>) -> Result<Arc<Metadata>, Outage> {
        match self.entry(org, issuer).filter(|entry| now - entry.fetched_at < BELIEVED) {
            Some(entry) => Ok(entry.metadata),
            None => self.anew(org, issuer, now).await,
        }
    }

    /// Fetched, whatever is known.
    pub(super) async fn anew(&self, org: OrgId, issuer: &str, now: DateTime<Utc>) -> Result<Arc<Metadata>, Outage> {
        let metadata = Arc::new(self.fetch(issuer).await?);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.clear();
        }
        let place = (org, issuer.to_owned());
        let asked_at = entries.get(&place).and_then(|entry| entry.asked_at);
        entries.insert(place, Entry { metadata: Arc::clone(&metadata), fetched_at: now, asked_at });
        Ok(metadata)
    }

    /// Fetched for the sake of a key that is not known; `None` when that happened less than a minute ago.
    pub(super) async fn for_a_key(
        &self,
        org: OrgId,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Metadata>>, Outage> {
        if !self.may_ask(org, issuer, now) {
            return Ok(None);
        }
        self.anew(org, issuer, now).await.map(Some)
    }

    /// Notes that we ask before we do, so that many at once ask once.
    fn may_ask(&self, org: OrgId, issuer: &str, now: DateTime<Utc>) -> bool {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get_mut(&(org, issuer.to_owned())) else { return true };
        let may = entry.asked_at.is_none_or(|asked| now - asked >= AGAIN);
        if may {
            entry.asked_at = Some(now);
        }
        may
    }

    fn entry(&self, org: OrgId, issuer: &str) -> Option<Entry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&(org, issuer.to_owned())).cloned()
    }

    async fn fetch(&self, issuer: &str) -> Result<Metadata, Outage> {
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| refused("issuer"))?;
        let metadata = Metadata::discover_async(issuer, &self.wire).await.map_err(|error| match error {
            DiscoveryError::Request(outage) => outage,
            DiscoveryError::Response(status, _, _) => refused(&format!("description_{}", status.as_u16())),
            DiscoveryError::Parse(_) => outage(OutageKind::Garbled),
            DiscoveryError::Validation(_) => refused("other_issuer"),
            _ => refused("description"),
        })?;
        let page = metadata.authorization_endpoint().url();
        // The browser goes there, not we; but a provider over TLS does not send people to a page without it.
        if metadata.issuer().url().scheme() == "https" && page.scheme() != "https" {
            return Err(refused("page_without_tls"));
        }
        metadata.token_endpoint().is_some().then_some(metadata).ok_or_else(|| refused("token_endpoint"))
    }
}
