//! Reviews of signed assessments as JSON.

use super::{Body, DONE};
use crate::{
    app::App,
    domain::{
        disposition::Disposition,
        ids::{AssessmentId, CallId, PatientId},
        private::Private,
    },
    error::Error,
    flows::review_assessment::{self, ReviewFinding, Waiting},
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

/// A signed assessment that nobody has reviewed.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireWaiting {
    /// The assessment.
    assessment: AssessmentId,
    /// Its call.
    call: CallId,
    /// Whose.
    patient: PatientId,
    /// Their name.
    patient_name: String,
    /// The protocol.
    protocol: String,
    /// What was decided.
    disposition: Option<Disposition>,
    /// Who signed, by name.
    signed_by: String,
    /// When.
    signed_at: DateTime<Utc>,
}

/// A review.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct NewReview {
    /// `no_remark` or `talk_about_it`.
    finding: String,
    /// What to talk about; needed with `talk_about_it`.
    #[serde(default)]
    remark: String,
}

impl From<Waiting> for WireWaiting {
    fn from(one: Waiting) -> Self {
        Self {
            assessment: one.assessment,
            call: one.call,
            patient: one.patient,
            patient_name: one.patient_name.into_revealed(),
            protocol: one.protocol,
            disposition: one.disposition,
            signed_by: one.signed_by,
            signed_at: one.signed_at,
        }
    }
}

/// What waits for review in the coordinator's teams, the oldest signature first.
///
/// # Errors
/// 403 for whoever is no coordinator.
#[utoipa::path(get, path = "/api/reviews", tag = "work",
    responses((status = 200, body = [WireWaiting]), (status = 403, body = Problem)))]
pub async fn queue(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Vec<WireWaiting>>, Failure> {
    let waiting = review_assessment::queue(&app, &person.actor).await?;
    Ok(Json(waiting.into_iter().map(WireWaiting::from).collect()))
}

/// Reviews the signed assessment of a call.
///
/// # Errors
/// 404 when there is no such call in reach, 409 while nothing is signed, 422 without words where they are needed.
#[utoipa::path(post, path = "/api/calls/{id}/review", tag = "work", params(("id" = CallId, Path)), request_body = NewReview,
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn review(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
    Body(body): Body<NewReview>,
) -> Result<StatusCode, Failure> {
    let finding = ReviewFinding::from_word(&body.finding)
        .ok_or_else(|| Error::Invalid("finding: send no_remark or talk_about_it".to_owned()))?;
    review_assessment::review(&app, &person.actor, id, finding, Private::new(body.remark)).await?;
    Ok(DONE)
}
