//! The record as JSON, for auditors and admins.

use super::Body;
use crate::{
    app::App,
    domain::{
        audit::DeedKind,
        ids::{PatientId, StaffId},
    },
    error::Error,
    flows::{
        search_record::{self, RecordLine, RecordQuery},
        verify_record,
    },
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// What is looked for; everything is optional.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct RecordSearch {
    /// A kind of deed, such as `signed_assessment`.
    #[serde(default)]
    deed: Option<String>,
    /// The patient it touched.
    #[serde(default)]
    patient: Option<PatientId>,
    /// The staff member who did it.
    #[serde(default)]
    staff: Option<StaffId>,
    /// Not before.
    #[serde(default)]
    from: Option<DateTime<Utc>>,
    /// Before.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    /// Which page, from 0.
    #[serde(default)]
    page: u32,
}

/// One page of the record.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RecordPage {
    /// The entries, newest first.
    entries: Vec<WireEntry>,
    /// Which page this is, from 0.
    page: u32,
    /// Whether another page follows.
    more: bool,
}

/// One entry.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireEntry {
    /// Its number.
    id: i64,
    /// Its place in the chain; null until the sequencer has been there.
    seq: Option<i64>,
    /// When.
    at: DateTime<Utc>,
    /// The kind of deed.
    deed: String,
    /// `staff`, `careline`, `carrier`, `operator` or `visitor`.
    actor_kind: String,
    /// The staff member's name, if one acted.
    staff_name: Option<String>,
    /// Their role when they acted.
    actor_role: Option<String>,
    /// The patient it touched.
    patient: Option<PatientId>,
    /// The row it was about.
    subject: Option<Uuid>,
    /// Codes and counts, by name.
    detail: BTreeMap<String, String>,
}

/// What verifying found.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Verified {
    /// Whether every hash fits.
    ok: bool,
    /// Entries that were verified.
    entries: i64,
    /// The hash of the last one, in hexadecimal.
    head: String,
    /// The first thing wrong, naming the entry.
    fault: Option<String>,
}

/// Searches the record; the search is itself an entry.
///
/// # Errors
/// 403 for anybody but an auditor or admin, 422 for a kind of deed that does not exist.
#[utoipa::path(post, path = "/api/record/search", tag = "record", request_body = RecordSearch,
    responses((status = 200, body = RecordPage), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn search(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Body(body): Body<RecordSearch>,
) -> Result<Json<RecordPage>, Failure> {
    let deed = match &body.deed {
        None => None,
        Some(word) => {
            let kind = DeedKind::ALL.iter().copied().find(|kind| kind.word() == word);
            Some(kind.ok_or_else(|| Error::Invalid("no kind of deed has that name".to_owned()))?)
        }
    };
    let query = RecordQuery { deed, patient: body.patient, staff: body.staff, from: body.from, until: body.until };
    let found = search_record::search(&app, &person.actor, &query, body.page).await?;
    let entries = found.lines.into_iter().map(WireEntry::from).collect();
    Ok(Json(RecordPage { entries, page: found.page, more: found.more }))
}

/// Recomputes every hash of the chain.
///
/// # Errors
/// 403 for anybody but an auditor or admin; what is wrong with the record is in the reply.
#[utoipa::path(post, path = "/api/record/verify", tag = "record",
    responses((status = 200, body = Verified), (status = 403, body = Problem)))]
pub async fn verify(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Verified>, Failure> {
    let report = verify_record::verify(&app, &person.actor).await?;
    Ok(Json(Verified {
        ok: report.fault.is_none(),
        entries: report.entries,
        head: hex::encode(report.head),
        fault: report.fault.map(|fault| fault.to_string()),
    }))
}

impl From<RecordLine> for WireEntry {
    fn from(line: RecordLine) -> Self {
        Self {
            id: line.id,
            seq: line.seq,
            at: line.at,
            deed: line.deed_word,
            actor_kind: line.actor_kind,
            staff_name: line.staff_name,
            actor_role: line.actor_role,
            patient: line.patient,
            subject: line.subject,
            detail: line.detail,
        }
    }
}
