//! Passwords at work: peppered by a key outside the database, hashed two at a time beside the async work with a short queue,
//! and the pace of a sign-in, which a refused one keeps too.

use crate::{
    domain::{
        ids::OrgId,
        password::{self, LONGEST, StoredPassword},
        private::Private,
    },
    error::Error,
    ports::{Outage, OutageKind, keys::Purpose},
    vault::Vault,
};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

/// Passwords hashed at once: each takes 64 MiB and a fifth of a second of one core.
const HASHING: usize = 2;
/// Passwords hashed or waiting for it; more are turned away at once.
const WAITING: usize = 18;
/// Successful sign-ins whose pace is remembered.
const REMEMBERED: usize = 31;

/// The one place where passwords are hashed and compared.
pub struct Passwords {
    vault: Vault,
    hashing: Semaphore,
    waiting: Semaphore,
    paces: Mutex<VecDeque<Duration>>,
}

/// A place in the queue. It is taken before a try is counted, so that a crowd costs nobody a try.
pub struct Place<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Passwords {
    /// Passwords peppered by the keys behind a vault.
    #[must_use]
    pub const fn over(vault: Vault) -> Self {
        Self {
            vault,
            hashing: Semaphore::const_new(HASHING),
            waiting: Semaphore::const_new(WAITING),
            paces: Mutex::new(VecDeque::new()),
        }
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// `Outage` to be tried later when the queue is full.
    pub fn queue(&self) -> Result<Place<'_>, Error> {
        let full = |_| Error::Outage(Outage { dependency: "sign-in", kind: OutageKind::Throttled });
        Ok(Place { _permit: self.waiting.try_acquire().map_err(full)? })
    }

    /// Whether a typed password is the stored one. Every call marks once and hashes once, whatever is stored.
    ///
    /// # Errors
    /// When the keys are away.
    pub async fn matches(
        &self,
        _: &Place<'_>,
        org: OrgId,
        typed: &Private<String>,
        stored: &StoredPassword,
    ) -> Result<bool, Error> {
        if typed.reveal().chars().count() > LONGEST {
            return Ok(false);
        }
        let mark = self.vault.keys().mark(Purpose::Password, org, stored.key.as_deref(), typed.reveal().as_bytes());
        let mark = mark.await?;
        let entered = match stored.key {
            Some(_) => Private::new(mark.bytes),
            None => Private::new(typed.reveal().as_bytes().to_vec()),
        };
        let hash = stored.hash.clone();
        self.beside(move || password::matches(&entered, &hash)).await
    }

    /// Hashes a new password. `about` are words somebody could guess it from: organization, name, e-mail address.
    ///
    /// # Errors
    /// `Invalid` saying what to choose instead; otherwise when the keys are away.
    pub async fn store(
        &self,
        _: &Place<'_>,
        org: OrgId,
        new: &Private<String>,
        about: &[&str],
    ) -> Result<StoredPassword, Error> {
        password::assess(new, about).map_err(|fault| Error::Invalid(format!("password: {fault}")))?;
        self.rehash(org, new).await
    }

    /// The same password under today's parameters and the newest key, once it was proven right; `None` when it is stored so.
    ///
    /// # Errors
    /// When the keys are away.
    pub async fn renew(
        &self,
        _: &Place<'_>,
        org: OrgId,
        proven: &Private<String>,
        stored: &StoredPassword,
    ) -> Result<Option<StoredPassword>, Error> {
        let newest = self.vault.keys().mark(Purpose::Password, org, None, &[]).await?;
        if !stored.is_old(&newest.key) {
            return Ok(None);
        }
        self.rehash(org, proven).await.map(Some)
    }

    /// Notes how long a sign-in took that succeeded.
    pub fn note(&self, took: Duration) {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= REMEMBERED {
            paces.pop_front();
        }
        paces.push_back(took);
    }

    /// Waits until a refused sign-in has taken as long as the middle one of those that succeeded lately.
    pub async fn keep_pace(&self, began: Instant) {
        let mut paces: Vec<Duration> = {
            let paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
            paces.iter().copied().collect()
        };
        paces.sort_unstable();
        if let Some(middle) = paces.get(paces.len() / 2) {
            sleep_until(began + *middle).await;
        }
    }

    async fn rehash(&self, org: OrgId, password: &Private<String>) -> Result<StoredPassword, Error> {
        let mark = self.vault.keys().mark(Purpose::Password, org, None, password.reveal().as_bytes()).await?;
        let (peppered, salt) = (Private::new(mark.bytes), rand::random::<[u8; 16]>());
        let hash = self.beside(move || password::hash(&peppered, salt)).await?;
        let hash = hash.map_err(|fault| Error::Fault(fault.to_string()))?;
        Ok(StoredPassword { hash, key: Some(mark.key) })
    }

    /// Runs beside the async work, `HASHING` at a time.
    async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _turn =
            self.hashing.acquire().await.map_err(|_| Error::Fault("the password queue is closed".to_owned()))?;
        // Counted by whoever compares what a known and an unknown address cost.
        tracing::debug!(target: "careline::hashed", "a password was hashed");
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Fault("a password could not be hashed".to_owned()))
    }
}
