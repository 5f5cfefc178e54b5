//! Webhooks of texts, in the order of all webhooks: the raw body, the signature over it, the ids, the flow's own
//! transaction, and only then an answer.

use super::phone::{listen_for, refuse, told};
use crate::{
    app::App,
    domain::ids::TextId,
    error::Error,
    flows::{follow_text, hear_text},
};
use axum::{
    extract::{OriginalUri, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// `POST /hooks/text/{org}/{text}/status`: how far a text came.
pub async fn status(
    State(app): State<Arc<App>>,
    Path((org, text)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Response {
    let (org, news) = match listen_for(&app, &org, &uri, request, |hook| app.texts.hear_status(hook)).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    let followed = match text.parse::<TextId>() {
        Ok(text) => follow_text::status(&app, org, text, &news).await,
        Err(_) => Err(Error::NotFound),
    };
    match followed {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse("text_status", &error),
    }
}

/// `POST /hooks/text/{org}/in`: a text that came in.
pub async fn arrive(
    State(app): State<Arc<App>>,
    Path(org): Path<String>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Response {
    let (org, text) = match listen_for(&app, &org, &uri, request, |hook| app.texts.hear_text(hook)).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match hear_text::hear(&app, org, &text).await {
        Ok(()) => told(app.texts.taken()),
        Err(error) => refuse("text_in", &error),
    }
}
