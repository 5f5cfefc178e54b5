//! Signs how the chain ends, and brings what was signed to the second place.

use crate::{
    app::App,
    domain::{
        chain::Hash,
        checkpoint::{Checkpoint, NO_CHECKPOINT, PublicKey, StoredCheckpoint, note_hash},
        ids::OrgId,
        job::Job,
        notice::Notice,
        people::Actor,
    },
    error::Error,
    ports::{
        Outage, OutageKind,
        objects::{ObjectKey, ObjectKind},
    },
    store::{
        checkpoints::{self, Ends},
        jobs,
    },
};
use chrono::{DateTime, TimeDelta, Utc};

/// A chain that grew gets a checkpoint after this.
const EVERY: TimeDelta = TimeDelta::seconds(60);
/// Or when it grew by so many links.
const LINKS: i64 = 1_000;
/// A checkpoint that the second place lacks for longer is a reason to write to people.
const LATE: TimeDelta = TimeDelta::minutes(10);

/// Makes a checkpoint when one is due, and gives the second place what it does not have yet.
///
/// # Errors
/// When the database, the keys or the second place are away; `Fault` when the second place has another checkpoint of the
/// same size.
pub async fn keep(app: &App, actor: &Actor) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let ends = checkpoints::ends(&mut tx).await?;
    drop(tx);
    if let Some(ends) = ends
        && is_due(&ends, now)
    {
        sign(app, actor, &ends, now).await?;
    }
    let mut tx = app.db.begin(actor).await?;
    let waiting = checkpoints::unwitnessed(&mut tx).await?;
    drop(tx);
    if waiting.is_empty() {
        return Ok(());
    }
    let brought = bring(app, actor, &waiting).await;
    if brought.is_err() {
        alarm(app, actor, &waiting).await?;
    }
    brought
}

fn is_due(ends: &Ends, now: DateTime<Utc>) -> bool {
    match &ends.last {
        None => true,
        Some(last) => ends.size > last.size && (ends.size - last.size >= LINKS || now - last.made_at >= EVERY),
    }
}

async fn sign(app: &App, actor: &Actor, ends: &Ends, now: DateTime<Utc>) -> Result<(), Error> {
    let root: Hash = ends
        .root
        .as_slice()
        .try_into()
        .map_err(|_| Error::Fault("the hash at the end of the chain is not 32 bytes".to_owned()))?;
    let previous = ends.last.as_ref().map_or(NO_CHECKPOINT, |last| note_hash(&last.note));
    // The database keeps microseconds.
    let at = DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
    let checkpoint = Checkpoint { org: actor.org, size: ends.size, root, previous, at };
    let signature = app.vault.keys().sign(checkpoint.text().as_bytes()).await?;
    let bytes = <[u8; 32]>::try_from(signature.public.as_slice())
        .map_err(|_| Error::Fault("the signing key is not one of Ed25519".to_owned()))?;
    let key = PublicKey { name: signature.key, bytes };
    let note = checkpoint.note(&key, &signature.bytes);
    let mut tx = app.db.begin(actor).await?;
    checkpoints::keep(&mut tx, &checkpoint, &note, &key).await?;
    tx.commit().await
}

/// Oldest first, each with the key that verifies it.
async fn bring(app: &App, actor: &Actor, waiting: &[StoredCheckpoint]) -> Result<(), Error> {
    let mut known: Vec<&[u8]> = Vec::new();
    for one in waiting {
        if !known.contains(&one.public_key.as_slice()) {
            known.push(&one.public_key);
            if let Ok(bytes) = one.public_key.as_slice().try_into() {
                let key = PublicKey { name: one.signed_by.clone(), bytes };
                write_once(app, name_of_key(actor.org, &key), format!("{}\n", key.line())).await?;
            }
        }
        write_once(app, name_of(actor.org, one.size), one.note.clone()).await?;
        let mut tx = app.db.begin(actor).await?;
        checkpoints::witnessed(&mut tx, one.size, app.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn write_once(app: &App, key: ObjectKey, text: String) -> Result<(), Error> {
    match app.witness.put_once(&key, text.clone().into_bytes()).await {
        Ok(()) => Ok(()),
        Err(Outage { kind: OutageKind::Refused(code), .. }) if code == "exists" => {
            // A process that died after writing left the same bytes.
            if app.witness.get(&key).await?.as_deref() == Some(text.as_bytes()) {
                return Ok(());
            }
            Err(Error::Fault(format!("the second place holds another {}", key.name)))
        }
        Err(outage) => Err(outage.into()),
    }
}

/// The name of a checkpoint in the second place, sorted by size.
fn name_of(org: OrgId, size: i64) -> ObjectKey {
    ObjectKey { org, kind: ObjectKind::Checkpoint, name: format!("{size:019}") }
}

fn name_of_key(org: OrgId, key: &PublicKey) -> ObjectKey {
    ObjectKey { org, kind: ObjectKind::Checkpoint, name: format!("key-{}", hex::encode(key.id())) }
}

/// Writes to admins and auditors, once a day.
async fn alarm(app: &App, actor: &Actor, waiting: &[StoredCheckpoint]) -> Result<(), Error> {
    let now = app.clock.now();
    let late = waiting.first().is_some_and(|oldest| now - oldest.made_at > LATE);
    if !late {
        return Ok(());
    }
    tracing::error!(org = %actor.org, waiting = waiting.len(), "checkpoints do not reach the second place");
    let mut tx = app.db.begin(actor).await?;
    for staff in checkpoints::keepers(&mut tx).await? {
        let job = Job::SendNotice { staff, notice: Notice::WitnessAway };
        jobs::enqueue(&mut tx, &job, &now.date_naive().to_string(), now, now).await?;
    }
    tx.commit().await
}
