//! Urgent access as JSON: for people at a program that shows a session. No token opens these doors.

use super::{Body, DONE};
use crate::{
    app::App,
    domain::{
        ids::{BreakGlassId, PatientId, StaffId},
        private::Private,
    },
    error::Error,
    flows::{
        break_glass::{self, Wanted},
        review_break_glass::{self, Line, UrgentFinding},
    },
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What urgent access needs.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct UrgentAccessWanted {
    /// The exact family name.
    family_name: String,
    /// Date of birth, `YYYY-MM-DD`.
    date_of_birth: String,
    /// Only when two patients share both.
    #[serde(default)]
    given_name: String,
    /// A word of the list.
    reason: String,
    /// Why, in 5 to 500 characters.
    words: String,
}

/// Whose chart is open.
#[derive(Serialize, utoipa::ToSchema)]
pub struct UrgentAccessBegun {
    /// The patient; their chart is `/api/patients/{id}`.
    patient: PatientId,
}

/// An urgent access.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireUrgentAccess {
    /// Its id.
    id: BreakGlassId,
    /// Who took it.
    staff: StaffId,
    /// Their name.
    staff_name: String,
    /// Whose chart.
    patient: PatientId,
    /// The patient's name, for who reaches them.
    patient_name: Option<String>,
    /// Why, a word of the list.
    reason: &'static str,
    /// Why, in their own words; for who reaches the patient.
    words: Option<String>,
    /// When it began.
    began_at: DateTime<Utc>,
    /// When it ends by itself.
    ends_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// What the review found; null while it waits.
    finding: Option<&'static str>,
}

/// A finding.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct UrgentAccessFinding {
    /// `justified` or `not_justified`.
    finding: String,
}

impl From<Line> for WireUrgentAccess {
    fn from(line: Line) -> Self {
        Self {
            id: line.id,
            staff: line.staff,
            staff_name: line.staff_name,
            patient: line.patient,
            patient_name: line.patient_name.map(Private::into_revealed),
            reason: line.reason.word(),
            words: line.words.map(Private::into_revealed),
            began_at: line.began_at,
            ends_at: line.ends_at,
            ended_at: line.ended.map(|(at, _)| at),
            finding: line.review.map(|(finding, _, _)| finding.word()),
        }
    }
}

/// Opens the chart of a patient outside one's care teams for an hour, to read and to call. It is reviewed.
///
/// # Errors
/// 403 without a fresh proof, 422 naming each faulty field, or that nobody has this name and date of birth.
#[utoipa::path(post, path = "/api/break-glass", tag = "work", security(("session" = [])), request_body = UrgentAccessWanted,
    responses((status = 200, body = UrgentAccessBegun), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn begin(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Body(body): Body<UrgentAccessWanted>,
) -> Result<Json<UrgentAccessBegun>, Failure> {
    let wanted = Wanted {
        family_name: body.family_name.into(),
        date_of_birth: body.date_of_birth.into(),
        given_name: body.given_name.into(),
        reason: body.reason,
        words: body.words.into(),
    };
    let patient = break_glass::begin(&app, &person.actor, wanted).await?;
    Ok(Json(UrgentAccessBegun { patient }))
}

/// One's own open urgent accesses; for a coordinator those of their teams, for an admin all of them without anything clinical.
///
/// # Errors
/// 403 for an auditor, and without a fresh proof.
#[utoipa::path(get, path = "/api/break-glass", tag = "work", security(("session" = [])),
    responses((status = 200, body = [WireUrgentAccess]), (status = 403, body = Problem)))]
pub async fn queue(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
) -> Result<Json<Vec<WireUrgentAccess>>, Failure> {
    let queue = review_break_glass::queue(&app, &person.actor).await?;
    Ok(Json(queue.lines.into_iter().map(WireUrgentAccess::from).collect()))
}

/// Gives one's own urgent access back before its time is over.
///
/// # Errors
/// 404 for one that is not one's own.
#[utoipa::path(post, path = "/api/break-glass/{id}/end", tag = "work", security(("session" = [])),
    params(("id" = BreakGlassId, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub async fn end(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<BreakGlassId>,
) -> Result<StatusCode, Failure> {
    let _patient = break_glass::give_back(&app, &person.actor, id).await?;
    Ok(DONE)
}

/// Records what a review found.
///
/// # Errors
/// 404 outside the reviewer's teams, 409 when it was reviewed before, 422 for no known finding.
#[utoipa::path(post, path = "/api/break-glass/{id}/review", tag = "work", security(("session" = [])),
    params(("id" = BreakGlassId, Path)), request_body = UrgentAccessFinding,
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn review(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<BreakGlassId>,
    Body(body): Body<UrgentAccessFinding>,
) -> Result<StatusCode, Failure> {
    let finding = UrgentFinding::from_word(&body.finding)
        .ok_or_else(|| Error::Invalid("finding: send one of the words a finding has".to_owned()))?;
    review_break_glass::review(&app, &person.actor, id, finding).await?;
    Ok(DONE)
}
