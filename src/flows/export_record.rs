//! The record for an outside verifier, page by page, in the form of `docs/record-format.md`. Exporting is itself a deed.

use crate::{
    app::App,
    domain::{
        approval::{ApprovalKind, EXPORT_LASTS},
        audit::{Deed, DeedKind},
        chain::{ChainedEntry, GENESIS, Link},
        ids::StaffId,
        people::{Actor, Role, Who},
    },
    error::Error,
    store::{
        approvals::{self, ExportWish},
        audit::record,
        chain_pages, checkpoints,
    },
};
use futures_util::{Stream, stream};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
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

/// An export under way.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The public keys checkpoints verify with, a line each.
    pub keys: Vec<String>,
    /// How many links it covers; what is chained afterwards is not in it.
    size: i64,
}

/// Begins an export and records it. The operator needs nobody for it; an admin or auditor needs a second person's approval
/// of the last day, which is used up.
///
/// # Errors
/// `Forbidden` for everybody else, and for programs; `Conflict` without an approval.
pub async fn begin(app: &App, actor: &Actor) -> Result<Begun, Error> {
    let by = may(actor)?;
    let signers = app.vault.keys().signers().await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let size = checkpoints::ends(&mut tx).await?.map_or(0, |ends| ends.size);
    let deed = Deed::of(DeedKind::ExportedRecord).with("entries", size);
    if let Some(by) = by {
        let ExportWish::Granted(approval, _) = approvals::export_wish(&mut tx, by, now).await? else {
            return Err(unapproved());
        };
        let receipt = record(&mut tx, actor, &deed.subject(approval.0), now).await?;
        let granted_from = now - EXPORT_LASTS;
        let spent = approvals::spend(&mut tx, &receipt, ApprovalKind::RecordExport, by, granted_from, now).await?;
        // Another download of the same person was quicker.
        spent.ok_or_else(unapproved)?;
    } else {
        let _receipt = record(&mut tx, actor, &deed, now).await?;
    }
    tx.commit().await?;
    Ok(Begun { keys: signers.iter().map(crate::domain::checkpoint::PublicKey::line).collect(), size })
}

fn unapproved() -> Error {
    Error::Conflict(
        "The whole record leaves the house only when a second person approved it in the last day. Ask on the page of the \
         record, where everybody who may approve is named; then download it once."
            .to_owned(),
    )
}

/// The links after a place, with their entries.
///
/// # Errors
/// `Forbidden` for whoever may not export.
pub async fn entries(app: &App, actor: &Actor, begun: &Begun, after: i64) -> Result<Lines, Error> {
    let _by = may(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let mut chained = chain_pages::after(&mut tx, after).await?;
    chained.retain(|link| link.seq <= begun.size);
    let head = chained.last().map(|link| hex::encode(&link.hash)).unwrap_or_default();
    let last = chained.last().map_or(after, |link| link.seq);
    let lines = chained.into_iter().map(|link| line(&WireLink::from(link))).collect::<Result<_, _>>()?;
    Ok(Lines { lines, last, head })
}

/// The checkpoints after a size, up to another.
///
/// # Errors
/// `Forbidden` for whoever may not export.
pub async fn signed(app: &App, actor: &Actor, after: i64, until: i64) -> Result<Lines, Error> {
    let _by = may(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let mut page = checkpoints::after(&mut tx, after).await?;
    page.retain(|checkpoint| checkpoint.size <= until);
    let last = page.last().map_or(after, |checkpoint| checkpoint.size);
    let wire = |size, note| line(&WireCheckpoint { size, note });
    let lines = page.into_iter().map(|one| wire(one.size, one.note)).collect::<Result<_, _>>()?;
    Ok(Lines { lines, last, head: String::new() })
}

/// The whole export as one text, piece by piece, whatever its length: what it is, keys, then page by page the checkpoints that
/// fall on a page and its links, at last how many there were. A text without its last line was cut off.
pub fn whole(app: Arc<App>, actor: Actor, begun: Begun) -> impl Stream<Item = Result<String, Error>> + Send {
    stream::try_unfold(Piece::Head, move |piece| {
        let (app, begun) = (Arc::clone(&app), begun.clone());
        async move { next(&app, &actor, &begun, piece).await }
    })
}

/// Which piece comes next.
enum Piece {
    Head,
    Page { after: i64, head: String },
    End,
}

async fn next(app: &App, actor: &Actor, begun: &Begun, piece: Piece) -> Result<Option<(String, Piece)>, Error> {
    match piece {
        Piece::Head => {
            let about = line(&WireHead { format: FORMAT, organization: actor.org.0 })?;
            let keys = begun.keys.iter().map(|key| line(&Named { key })).collect::<Result<Vec<_>, _>>()?;
            let page = Piece::Page { after: 0, head: hex::encode(GENESIS) };
            Ok(Some((joined(&[vec![about], keys]), page)))
        }
        Piece::Page { after, head } => {
            let page = entries(app, actor, begun, after).await?;
            if page.lines.is_empty() {
                return Ok(Some((joined(&[vec![about(actor, after, &head)?]]), Piece::End)));
            }
            let signed = signed(app, actor, after, page.last).await?;
            Ok(Some((joined(&[signed.lines, page.lines]), Piece::Page { after: page.last, head: page.head })))
        }
        Piece::End => Ok(None),
    }
}

fn joined(parts: &[Vec<String>]) -> String {
    parts.iter().flatten().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// What a whole export says of itself.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn about(actor: &Actor, entries: i64, head: &str) -> Result<String, Error> {
    line(&About { format: FORMAT, organization: actor.org.0, entries, head })
}

/// Who exports: nobody for the operator, who answers for themselves at the machine.
fn may(actor: &Actor) -> Result<Option<StaffId>, Error> {
    match actor.who {
        Who::Operator => Ok(None),
        Who::Staff { id, role: Role::Admin | Role::Auditor, token: None } => Ok(Some(id)),
        Who::Staff { .. } | Who::Careline | Who::Carrier | Who::Visitor => Err(Error::Forbidden),
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
struct WireHead {
    format: &'static str,
    organization: Uuid,
}

#[derive(Serialize)]
struct Named<'a> {
    key: &'a str,
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
