//! The record as JSON, for auditors and admins.

use super::Body;
use crate::{
    app::App,
    domain::{
        audit::DeedKind,
        ids::{PatientId, StaffId},
        private::Private,
    },
    error::Error,
    flows::{
        look_up_patient::{self, Sought},
        report_access::{self, AccessLine},
        search_record::{self, RecordLine, RecordQuery},
        verify_record::{self, Witness},
    },
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, NaiveDate, Utc};
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
    /// Signed checkpoints that agree.
    checkpoints: i64,
    /// Whether the second place could be read.
    second_place: bool,
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

/// Recomputes every hash, mark and checkpoint.
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
        checkpoints: report.checkpoints,
        second_place: report.witness == Witness::Heard,
        fault: report.fault.map(|fault| fault.to_string()),
    }))
}

/// Whom to look for: exactly as in the chart; capitals do not count.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct SoughtPatient {
    /// Their given name.
    given_name: String,
    /// Their family name.
    family_name: String,
    /// Their birth date.
    date_of_birth: NaiveDate,
}

/// Finds the ids of the patients of exactly this name and birth date; looking is an entry of the record.
///
/// # Errors
/// 403 for anybody but an auditor or admin.
#[utoipa::path(post, path = "/api/record/patient", tag = "record", request_body = SoughtPatient,
    responses((status = 200, body = Vec<PatientId>), (status = 403, body = Problem)))]
pub async fn look_up(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Body(body): Body<SoughtPatient>,
) -> Result<Json<Vec<PatientId>>, Failure> {
    let name = |text: String| Private::new(text.trim().to_owned());
    let sought = Sought {
        given_name: name(body.given_name),
        family_name: name(body.family_name),
        born: Private::new(body.date_of_birth),
    };
    Ok(Json(look_up_patient::look_up(&app, &person.actor, &sought).await?))
}

/// Deeds of one kind by one person on one day.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireAccess {
    /// The day, in the organization's zone.
    day: NaiveDate,
    /// `staff`, `careline`, `carrier`, `operator` or `visitor`.
    actor_kind: String,
    /// The staff member, if one acted.
    staff: Option<Uuid>,
    /// Their name.
    staff_name: Option<String>,
    /// Their role when they acted.
    actor_role: Option<String>,
    /// The kind of deed.
    deed: String,
    /// How often.
    times: i64,
    /// The first time that day.
    first: DateTime<Utc>,
    /// The last time that day.
    last: DateTime<Utc>,
    /// Whether it was by urgent access outside their care team.
    urgent: bool,
}

/// Who has seen a patient's record, newest day first; making the report is an entry of the record.
///
/// # Errors
/// 403 for nurses and physicians, 404 for a coordinator who does not reach the patient.
#[utoipa::path(get, path = "/api/patients/{id}/access", tag = "record", params(("id" = PatientId, Path)),
    responses((status = 200, body = Vec<WireAccess>), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn access(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(patient): Path<PatientId>,
) -> Result<Json<Vec<WireAccess>>, Failure> {
    let report = report_access::report(&app, &person.actor, patient).await?;
    let people = report.days.into_iter().flat_map(|day| day.people);
    Ok(Json(people.flat_map(|person| person.lines).map(WireAccess::from).collect()))
}

impl From<AccessLine> for WireAccess {
    fn from(line: AccessLine) -> Self {
        Self {
            day: line.day,
            actor_kind: line.actor_kind,
            staff: line.staff,
            staff_name: line.staff_name,
            actor_role: line.actor_role,
            deed: line.deed_word,
            times: line.times,
            first: line.first,
            last: line.last,
            urgent: line.urgent,
        }
    }
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
