//! The record for an outside verifier, page by page, in the form of `docs/record-format.md`. Exporting is itself a deed.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        chain::{ChainedEntry, Link},
        people::{Actor, Role, Who},
    },
    error::Error,
    store::{audit::record, chain_pages, checkpoints},
};
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The form, as `about.json` names it.
pub const FORMAT: &str = "careline-record/1";

/// A page of lines and where the next one begins; the last page has no lines.
#[derive(Clone, Debug)]
pub struct Lines {
    /// One JSON value each, without its newline.
    pub lines: Vec<String>,
    /// The place or size after which the next page begins.
    pub last: i64,
    /// The hash of the last link, in hexadecimal; of checkpoints empty.
    pub head: String,
}

/// Begins an export: records it, and hands out the public keys, a line each.
///
/// # Errors
/// `Forbidden` for anybody but the operator.
pub async fn begin(app: &App, actor: &Actor) -> Result<Vec<String>, Error> {
    may(actor)?;
    let signers = app.vault.keys().signers().await?;
    let mut tx = app.db.begin(actor).await?;
    let _receipt = record(&mut tx, actor, &Deed::of(DeedKind::ExportedRecord), app.clock.now()).await?;
    tx.commit().await?;
    Ok(signers.iter().map(crate::domain::checkpoint::PublicKey::line).collect())
}

/// The links after a place, with their entries.
///
/// # Errors
/// `Forbidden` for anybody but the operator.
pub async fn entries(app: &App, actor: &Actor, after: i64) -> Result<Lines, Error> {
    may(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let chained = chain_pages::after(&mut tx, after).await?;
    let head = chained.last().map(|link| hex::encode(&link.hash)).unwrap_or_default();
    let last = chained.last().map_or(after, |link| link.seq);
    let lines = chained.into_iter().map(|link| line(&WireLink::from(link))).collect::<Result<_, _>>()?;
    Ok(Lines { lines, last, head })
}

/// The checkpoints after a size, up to another.
///
/// # Errors
/// `Forbidden` for anybody but the operator.
pub async fn signed(app: &App, actor: &Actor, after: i64, until: i64) -> Result<Lines, Error> {
    may(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let mut page = checkpoints::after(&mut tx, after).await?;
    page.retain(|checkpoint| checkpoint.size <= until);
    let last = page.last().map_or(after, |checkpoint| checkpoint.size);
    let wire = |size, note| line(&WireCheckpoint { size, note });
    let lines = page.into_iter().map(|one| wire(one.size, one.note)).collect::<Result<_, _>>()?;
    Ok(Lines { lines, last, head: String::new() })
}

/// What a whole export says of itself.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn about(actor: &Actor, entries: i64, head: &str) -> Result<String, Error> {
    line(&About { format: FORMAT, organization: actor.org.0, entries, head })
}

fn may(actor: &Actor) -> Result<(), Error> {
    match actor.who {
        Who::Operator => Ok(()),
        Who::Staff {
            role: Role::Nurse | Role::Coordinator | Role::Physician | Role::Admin | Role::Auditor, ..
        }
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => Err(Error::Forbidden),
    }
}

fn line(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Fault(error.to_string()))
}

#[derive(Serialize)]
struct About<'a> {
    format: &'static str,
    organization: Uuid,
    entries: i64,
    head: &'a str,
}

#[derive(Serialize)]
struct WireCheckpoint {
    size: i64,
    note: String,
}

#[derive(Serialize)]
struct WireLink {
    seq: i64,
    entry_id: i64,
    previous: String,
    hash: String,
    entry: Option<WireEntry>,
}

#[derive(Serialize)]
struct WireEntry {
    id: i64,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_role: Option<String>,
    deed: String,
    patient_id: Option<Uuid>,
    subject: Option<Uuid>,
    detail: BTreeMap<String, String>,
    at_micros: i64,
    xid: u64,
    mark_key: Option<String>,
    nonce: Option<String>,
    mark: Option<String>,
}

impl From<Link> for WireLink {
    fn from(link: Link) -> Self {
        Self {
            seq: link.seq,
            entry_id: link.entry_id,
            previous: hex::encode(link.previous),
            hash: hex::encode(link.hash),
            entry: link.entry.map(WireEntry::from),
        }
    }
}

impl From<ChainedEntry> for WireEntry {
    fn from(entry: ChainedEntry) -> Self {
        let (key, nonce, mark) = match entry.mark {
            Some(mark) => (Some(mark.key), Some(hex::encode(mark.nonce)), Some(hex::encode(mark.bytes))),
            None => (None, None, None),
        };
        Self {
            id: entry.id,
            actor_kind: entry.actor_kind,
            actor_id: entry.actor_id,
            actor_role: entry.actor_role,
            deed: entry.deed,
            patient_id: entry.patient,
            subject: entry.subject,
            detail: entry.detail,
            at_micros: entry.at_micros,
            xid: entry.xid,
            mark_key: key,
            nonce,
            mark,
        }
    }
}
