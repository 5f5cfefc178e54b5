//! Webhooks of an organization's own number: somebody rings it, and is gone again. The words of a call that begins come
//! from the call script, as on every other line.

use super::phone::{listen_for, refuse, told};
use crate::{
    app::App,
    flows::{
        answer_caller::{self, Answer},
        follow_call,
    },
};
use axum::{
    extract::{OriginalUri, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// `POST /hooks/phone/{org}/inbound`: somebody rings, or has typed where they can be reached.
pub async fn voice(
    State(app): State<Arc<App>>,
    Path(org): Path<String>,
    uri: OriginalUri,
    request: Request,
) -> Response {
    let (org, news) = match listen_for(&app, &org, &uri, request, |hook| app.phone.hear(hook)).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match answer_caller::answer(&app, org, &news).await {
        Ok(Answer::Said(said)) => told(app.phone.tell_caller(org, &said)),
        Ok(Answer::Call(attempt)) => match follow_call::voice(&app, org, attempt, &news).await {
            Ok(reply) => told(app.phone.instruct(org, attempt, &reply.speech, reply.fork.as_ref())),
            Err(error) => refuse("inbound", &error),
        },
        Err(error) => refuse("inbound", &error),
    }
}

/// `POST /hooks/phone/{org}/inbound/status`: they are gone.
pub async fn status(
    State(app): State<Arc<App>>,
    Path(org): Path<String>,
    uri: OriginalUri,
    request: Request,
) -> Response {
    let (org, news) = match listen_for(&app, &org, &uri, request, |hook| app.phone.hear(hook)).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    let followed = match answer_caller::attempt_of(&app, org, &news).await {
        Ok(Some(attempt)) => follow_call::status(&app, org, attempt, &news).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    match followed {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse("inbound status", &error),
    }
}
