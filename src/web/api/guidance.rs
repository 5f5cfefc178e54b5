//! Questions of a nurse with their quoted answers, as JSON.

use super::Body;
use crate::{
    app::App,
    domain::{
        guidance::{GuidanceView, Shown},
        ids::{CallId, GuidanceId},
        private::Private,
    },
    flows::answer_question,
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A question.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct QuestionToAsk {
    /// In the nurse's words, without names.
    question: String,
}

/// A question with exactly what was shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireAnswer {
    /// Its id.
    id: GuidanceId,
    /// The question.
    question: String,
    /// When it was asked.
    asked_at: DateTime<Utc>,
    /// What was shown.
    shown: Shown,
}

impl From<GuidanceView> for WireAnswer {
    fn from(view: GuidanceView) -> Self {
        Self { id: view.id, question: view.question.into_revealed(), asked_at: view.asked_at, shown: view.shown }
    }
}

/// Asks. A model in trouble is no failure: the passages themselves are shown.
///
/// # Errors
/// 422 for an empty or overlong question, 404 when there is no such call.
#[utoipa::path(post, path = "/api/calls/{id}/guidance", tag = "guidance", params(("id" = CallId, Path)),
    request_body = QuestionToAsk,
    responses((status = 200, body = WireAnswer), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn ask(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
    Body(body): Body<QuestionToAsk>,
) -> Result<Json<WireAnswer>, Failure> {
    Ok(Json(answer_question::ask(&app, &person.actor, id, Private::new(body.question)).await?.into()))
}

/// Everything that was shown on a call, oldest first.
///
/// # Errors
/// 404 when there is no such call.
#[utoipa::path(get, path = "/api/calls/{id}/guidance", tag = "guidance", params(("id" = CallId, Path)),
    responses((status = 200, body = [WireAnswer]), (status = 404, body = Problem)))]
pub async fn list(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
) -> Result<Json<Vec<WireAnswer>>, Failure> {
    let answers = answer_question::answers(&app, &person.actor, id).await?;
    Ok(Json(answers.into_iter().map(WireAnswer::from).collect()))
}
