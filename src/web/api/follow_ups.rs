//! Follow-ups as JSON.

use super::{Body, DONE};
use crate::{
    app::App,
    domain::{
        disposition::Disposition,
        follow_up::FollowUp,
        ids::{CallId, FollowUpId, PatientId, StaffId},
    },
    flows::{
        complete_follow_up,
        list_follow_ups::{self, Show},
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

/// Work owed to a patient.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireFollowUp {
    /// Its id.
    id: FollowUpId,
    /// Whom it is owed to.
    patient: PatientId,
    /// Their name.
    patient_name: String,
    /// The call it came from.
    call: Option<CallId>,
    /// Why, a code.
    reason: &'static str,
    /// What a person should do.
    summary: String,
    /// How urgent.
    urgency: Disposition,
    /// Who owes it.
    owner: StaffId,
    /// Their name.
    owner_name: String,
    /// When somebody must have acted.
    due_at: DateTime<Utc>,
    /// How often it went to the next person.
    escalations: i32,
    /// What was done about it; null while it is open.
    outcome: Option<String>,
}

/// What was done.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Done {
    /// In a person's words.
    outcome: String,
}

impl From<FollowUp> for WireFollowUp {
    fn from(owed: FollowUp) -> Self {
        Self {
            id: owed.id,
            patient: owed.patient,
            patient_name: owed.patient_name.into_revealed(),
            call: owed.call,
            reason: owed.reason.code(),
            summary: owed.summary.into_revealed(),
            urgency: owed.urgency,
            owner: owed.owner,
            owner_name: owed.owner_name,
            due_at: owed.due_at,
            escalations: owed.escalations,
            outcome: owed.done.map(|done| done.outcome.into_revealed()),
        }
    }
}

/// Everything open, soonest first.
///
/// # Errors
/// When it cannot be read.
#[utoipa::path(get, path = "/api/follow-ups", tag = "work",
    responses((status = 200, body = [WireFollowUp]), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Vec<WireFollowUp>>, Failure> {
    let list = list_follow_ups::list(&app, &person.actor, Show::Open).await?;
    Ok(Json(list.into_iter().map(WireFollowUp::from).collect()))
}

/// Closes one.
///
/// # Errors
/// 422 without words, 409 when it is done already, 404 when there is none.
#[utoipa::path(post, path = "/api/follow-ups/{id}/done", tag = "work", params(("id" = FollowUpId, Path)),
    request_body = Done,
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn complete(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<FollowUpId>,
    Body(body): Body<Done>,
) -> Result<StatusCode, Failure> {
    complete_follow_up::complete(&app, &person.actor, id, &body.outcome).await?;
    Ok(DONE)
}
