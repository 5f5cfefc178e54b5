//! Verifies the record: every hash, every mark and every signed checkpoint is computed again, page by page. Verifying is
//! itself a deed.

pub use crate::domain::chain::{ChainFault, Witness};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        chain::{ChainReport, ChainWalk, ChainedEntry, CheckpointFault, KeyRing, Link},
        checkpoint::{CheckpointWalk, StoredCheckpoint},
        people::{Actor, Role, Who},
    },
    error::Error,
    ports::objects::{ObjectKey, ObjectKind, Objects},
    store::{audit::record, chain, chain_pages, checkpoints},
};
use std::{collections::BTreeSet, sync::Arc};

/// After this an entry that is still not chained is a fault.
pub const TAIL_SECONDS: i64 = 60;

/// How much of the second place is read. Its last checkpoint answers for all before it, because each names the hash of the
/// one before.
#[derive(Clone)]
pub enum Against {
    /// The list of the second place, and its last checkpoint.
    Newest,
    /// Every checkpoint of a copy of the second place.
    Copy(Arc<dyn Objects>),
}

/// Chains what waits, then walks the whole chain of the actor's organization, comparing with the second place.
///
/// # Errors
/// `Forbidden` for anybody but an auditor, an admin, the operator and the calendar; what is wrong with the record is in the
/// report.
pub async fn verify(app: &App, actor: &Actor) -> Result<ChainReport, Error> {
    verify_against(app, actor, &Against::Newest).await
}

/// As `verify`, choosing what to compare with.
///
/// # Errors
/// As `verify`.
pub async fn verify_against(app: &App, actor: &Actor, against: &Against) -> Result<ChainReport, Error> {
    match actor.who {
        Who::Operator | Who::Careline | Who::Staff { role: Role::Admin | Role::Auditor, .. } => {}
        Who::Staff { role: Role::Nurse | Role::Coordinator | Role::Physician, .. } | Who::Carrier | Who::Visitor => {
            return Err(Error::Forbidden);
        }
    }
    let mut keys = KeyRing::new();
    // A chain that cannot be continued is a reason to look at it, not to stop.
    let chained = chain_all(app, actor, &mut keys).await;
    let signers = app.vault.keys().signers().await?;
    let copy = Copy::list(app, actor, against).await;
    let walks = Walks { chain: ChainWalk::new(actor.org), checkpoints: CheckpointWalk::new(actor.org, signers), keys };
    let report = walk(app, actor, walks, copy).await?;
    if report.fault.is_none() {
        chained?;
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let found = report.fault.as_ref().map_or_else(|| "ok".to_owned(), ToString::to_string);
    let deed = Deed::of(DeedKind::VerifiedRecord).with("entries", report.entries).with("found", found);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await?;
    Ok(report)
}

async fn chain_all(app: &App, actor: &Actor, keys: &mut KeyRing) -> Result<(), Error> {
    while chain::sequence(&app.db, actor, keys).await?.was_full() {}
    Ok(())
}

/// What is carried from page to page.
struct Walks {
    chain: ChainWalk,
    checkpoints: CheckpointWalk,
    keys: KeyRing,
}

impl Walks {
    fn report(&self, witness: Witness, fault: Option<ChainFault>) -> ChainReport {
        ChainReport {
            entries: self.chain.seq(),
            head: *self.chain.head(),
            checkpoints: self.checkpoints.count(),
            witness,
            fault,
        }
    }
}

/// A page of links, and the checkpoints that fall on it.
struct Page {
    links: Vec<Link>,
    checkpoints: Vec<StoredCheckpoint>,
}

/// Every link, the next page being read while one is computed; then what is outside the chain.
async fn walk(app: &App, actor: &Actor, mut walks: Walks, mut copy: Copy) -> Result<ChainReport, Error> {
    let mut page = page_after(app, actor, 0).await?;
    while let Some(last) = page.links.last().map(|link| link.seq) {
        learn_all(app, actor, &mut walks.keys, page.links.iter().filter_map(|link| link.entry.as_ref())).await?;
        let stepping = tokio::task::spawn_blocking(move || {
            let fault = step(&mut walks, &page).err();
            (walks, page, fault)
        });
        let (stepped, next) = tokio::join!(stepping, page_after(app, actor, last));
        let (stepped, compared, mut fault) = stepped.map_err(|error| Error::Fault(error.to_string()))?;
        walks = stepped;
        if fault.is_none() {
            fault = copy.compare(actor, &compared.checkpoints).await;
        }
        if fault.is_some() {
            return Ok(walks.report(copy.witness, fault));
        }
        page = next?;
    }
    // No link follows, so a checkpoint that is left speaks of links that were there.
    let fault = page
        .checkpoints
        .first()
        .map(|left| ChainFault::Checkpoint { size: left.size, why: CheckpointFault::Cut })
        .or(copy.finish(actor).await);
    let fault = match fault {
        Some(fault) => Some(fault),
        None => tail(app, actor, &mut walks).await?,
    };
    Ok(walks.report(copy.witness, fault))
}

/// Checkpoints are read before links: whatever they cover was chained before they were made.
async fn page_after(app: &App, actor: &Actor, seq: i64) -> Result<Page, Error> {
    let mut tx = app.db.begin(actor).await?;
    let mut checkpoints = checkpoints::after(&mut tx, seq).await?;
    let links = chain_pages::after(&mut tx, seq).await?;
    if let Some(last) = links.last() {
        checkpoints.retain(|checkpoint| checkpoint.size <= last.seq);
    }
    Ok(Page { links, checkpoints })
}

fn step(walks: &mut Walks, page: &Page) -> Result<(), ChainFault> {
    let mut checkpoints = page.checkpoints.iter().peekable();
    for link in &page.links {
        walks.chain.step(link, &walks.keys)?;
        if let Some(stored) = checkpoints.next_if(|stored| stored.size == link.seq) {
            walks.checkpoints.step(stored, walks.chain.head())?;
        }
    }
    Ok(())
}

/// Entries outside the chain: not ours, or ours and waiting for too long.
async fn tail(app: &App, actor: &Actor, walks: &mut Walks) -> Result<Option<ChainFault>, Error> {
    let mut tx = app.db.begin(actor).await?;
    let loose = chain_pages::loose(&mut tx).await?;
    drop(tx);
    learn_all(app, actor, &mut walks.keys, loose.iter()).await?;
    let now = app.clock.now().timestamp_micros();
    let mut waiting = None;
    for entry in &loose {
        if walks.chain.marking().after(actor.org, entry, &walks.keys).is_none() {
            return Ok(Some(ChainFault::WrongMark { seq: None, entry: entry.id }));
        }
        let seconds = now.saturating_sub(entry.at_micros) / 1_000_000;
        if seconds > TAIL_SECONDS && waiting.is_none() {
            waiting = Some(ChainFault::Unchained { entry: entry.id, seconds });
        }
    }
    Ok(waiting)
}

async fn learn_all(
    app: &App,
    actor: &Actor,
    keys: &mut KeyRing,
    entries: impl Iterator<Item = &ChainedEntry>,
) -> Result<(), Error> {
    for mark in entries.filter_map(|entry| entry.mark.as_ref()) {
        if !keys.contains_key(&mark.key) {
            learn(app, actor, keys, &mark.key).await?;
        }
    }
    Ok(())
}

async fn learn(app: &App, actor: &Actor, keys: &mut KeyRing, name: &str) -> Result<(), Error> {
    let key = app.db.entry_key(actor.org, name).await?;
    keys.insert(name.to_owned(), key);
    Ok(())
}

/// The second place, or a copy of it, while it is compared.
struct Copy {
    objects: Arc<dyn Objects>,
    every: bool,
    /// Sizes it has and that were not met yet. Listed before the walk, so that each of them is in the database.
    unmet: BTreeSet<i64>,
    last: Option<StoredCheckpoint>,
    witness: Witness,
}

impl Copy {
    async fn list(app: &App, actor: &Actor, against: &Against) -> Self {
        let (objects, every) = match against {
            Against::Newest => (Arc::clone(&app.witness), false),
            Against::Copy(objects) => (Arc::clone(objects), true),
        };
        let listed = objects.list(actor.org, ObjectKind::Checkpoint).await;
        let witness = if listed.is_ok() { Witness::Heard } else { Witness::Away };
        let unmet = listed.unwrap_or_default().iter().filter_map(|name| name.parse().ok()).collect();
        Self { objects, every, unmet, last: None, witness }
    }

    async fn compare(&mut self, actor: &Actor, page: &[StoredCheckpoint]) -> Option<ChainFault> {
        for stored in page {
            let met = self.unmet.remove(&stored.size);
            if self.witness == Witness::Away {
                continue;
            }
            // A copy may be older than the checkpoint; the second place itself may not, unless it came after the list.
            let missed = !met && !self.every && stored.witnessed_at.is_some();
            if missed || (met && self.every) {
                let fault = self.content(actor, stored).await;
                if fault.is_some() {
                    return fault;
                }
            }
            if met {
                self.last = Some(stored.clone());
            }
        }
        None
    }

    /// What is left was never met; and the last one that was met must be the same.
    async fn finish(&mut self, actor: &Actor) -> Option<ChainFault> {
        if let Some(size) = self.unmet.first() {
            return Some(ChainFault::Checkpoint { size: *size, why: CheckpointFault::Removed });
        }
        match self.last.take() {
            Some(last) => self.content(actor, &last).await,
            None => None,
        }
    }

    async fn content(&mut self, actor: &Actor, stored: &StoredCheckpoint) -> Option<ChainFault> {
        let name = format!("{:019}", stored.size);
        let key = ObjectKey { org: actor.org, kind: ObjectKind::Checkpoint, name };
        match self.objects.get(&key).await {
            Ok(Some(note)) if note == stored.note.as_bytes() => None,
            Ok(Some(_)) => Some(ChainFault::Checkpoint { size: stored.size, why: CheckpointFault::Doubled }),
            Ok(None) => Some(ChainFault::Checkpoint { size: stored.size, why: CheckpointFault::Unwitnessed }),
            Err(_) => {
                self.witness = Witness::Away;
                None
            }
        }
    }
}
