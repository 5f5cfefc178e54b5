//! Searches the record, for auditors and admins. The search is itself a deed.

pub use crate::store::audit::{RecordLine, RecordQuery};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Role, Who},
    },
    error::Error,
    store::audit,
};

/// Lines on one page.
const ON_A_PAGE: u32 = 50;
/// The last page there is; whoever looks further narrows the search.
const LAST_PAGE: u32 = 1_000;

/// One page of the record.
#[derive(Clone, Debug)]
pub struct RecordPage {
    /// The entries, newest first.
    pub lines: Vec<RecordLine>,
    /// Which page this is, from 0.
    pub page: u32,
    /// Whether another page follows.
    pub more: bool,
}

/// Searches. Pages count from 0.
///
/// # Errors
/// `Forbidden` for anybody but an auditor, an admin and the operator.
pub async fn search(app: &App, actor: &Actor, query: &RecordQuery, page: u32) -> Result<RecordPage, Error> {
    match actor.who {
        Who::Operator | Who::Staff { role: Role::Admin | Role::Auditor, .. } => {}
        Who::Staff { role: Role::Nurse | Role::Coordinator | Role::Physician, .. }
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => return Err(Error::Forbidden),
    }
    let page = page.min(LAST_PAGE);
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &deed_of(query, page), app.clock.now()).await?;
    let most = i64::from(ON_A_PAGE) + 1;
    let skip = i64::from(page) * i64::from(ON_A_PAGE);
    let mut lines = audit::search(&mut tx, &receipt, query, most, skip).await?;
    tx.commit().await?;
    let fits = usize::try_from(ON_A_PAGE).unwrap_or(usize::MAX);
    let more = lines.len() > fits && page < LAST_PAGE;
    lines.truncate(fits);
    Ok(RecordPage { lines, page, more })
}

/// The search as an entry: what was asked for, in ids, words and instants.
fn deed_of(query: &RecordQuery, page: u32) -> Deed {
    let mut deed = Deed::of(DeedKind::SearchedRecord).with("page", page);
    deed.patient = query.patient;
    deed.subject = query.staff.map(|staff| staff.0);
    if let Some(kind) = query.deed {
        deed = deed.with("deed", kind.word());
    }
    if let Some(from) = query.from {
        deed = deed.with("from", from.to_rfc3339());
    }
    if let Some(until) = query.until {
        deed = deed.with("until", until.to_rfc3339());
    }
    deed
}
