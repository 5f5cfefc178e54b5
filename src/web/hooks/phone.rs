//! Webhooks of the telephone. In this order: the raw body, the signature over it, the ids, the flow's own transaction,
//! and only then an answer; so what was answered 2xx is in the database.

use crate::{
    app::App,
    domain::ids::{AttemptId, OrgId},
    error::{Error, Verdict},
    flows::follow_call,
    ports::phone::{CarrierNews, Hook, HookRefusal, Instruction},
    web::limits,
};
use axum::{
    body::{Body, to_bytes},
    extract::{OriginalUri, Path, Request, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};

/// The largest webhook that is read.
const LARGEST_BODY: usize = 1024 * 1024;
/// How long a webhook may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// `POST /hooks/phone/{org}/{attempt}/voice`: what is said or asked next.
pub async fn voice(State(app): State<Arc<App>>, path: Ids, uri: OriginalUri, request: Request) -> Response {
    let (org, attempt, news) = match listen(&app, path, &uri, request).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match follow_call::voice(&app, org, attempt, &news).await {
        Ok(reply) => told(app.phone.instruct(org, attempt, &reply.speech, reply.fork.as_ref())),
        Err(error) => refuse("voice", &error),
    }
}

/// `POST /hooks/phone/{org}/{attempt}/status`: how far the call came.
pub async fn status(State(app): State<Arc<App>>, path: Ids, uri: OriginalUri, request: Request) -> Response {
    let (org, attempt, news) = match listen(&app, path, &uri, request).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match follow_call::status(&app, org, attempt, &news).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse("status", &error),
    }
}

/// `POST /hooks/phone/{org}/{attempt}/conference`: who came and went.
pub async fn conference(State(app): State<Arc<App>>, path: Ids, uri: OriginalUri, request: Request) -> Response {
    let (org, attempt, news) = match listen(&app, path, &uri, request).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match follow_call::conference(&app, org, attempt, &news).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse("conference", &error),
    }
}

/// `POST /hooks/phone/{org}/{attempt}/machine`: who answered, as the carrier guesses.
pub async fn machine(State(app): State<Arc<App>>, path: Ids, uri: OriginalUri, request: Request) -> Response {
    let (org, attempt, news) = match listen(&app, path, &uri, request).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match follow_call::machine(&app, org, attempt, &news).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse("machine", &error),
    }
}

/// `POST /hooks/phone/{org}/{attempt}/hold`: what somebody on hold hears.
pub async fn hold(State(app): State<Arc<App>>, path: Ids, uri: OriginalUri, request: Request) -> Response {
    let (org, attempt, news) = match listen(&app, path, &uri, request).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match follow_call::on_hold(&app, org, attempt, &news).await {
        Ok(speech) => told(app.phone.instruct(org, attempt, &speech, None)),
        Err(error) => refuse("hold", &error),
    }
}

/// `POST /hooks/phone/{org}/{attempt}/announce`: what one leg hears beside the others.
pub async fn announce(State(app): State<Arc<App>>, path: Ids, uri: OriginalUri, request: Request) -> Response {
    let (org, attempt, news) = match listen(&app, path, &uri, request).await {
        Ok(heard) => heard,
        Err(refused) => return refused,
    };
    match follow_call::announced(&app, org, attempt, &news).await {
        Ok(speech) => told(app.phone.instruct(org, attempt, &speech, None)),
        Err(error) => refuse("announce", &error),
    }
}

/// The ids of a hook's path, not yet believed.
type Ids = Path<(String, String)>;

/// Reads a webhook and proves that the carrier sent it, before anything in it is believed.
async fn listen(
    app: &App,
    Path((org, attempt)): Ids,
    uri: &Uri,
    request: Request,
) -> Result<(OrgId, AttemptId, CarrierNews), Response> {
    let (org, news) = listen_for(app, &org, uri, request, |hook| app.phone.hear(hook)).await?;
    let attempt = attempt.parse().map_err(|_| refuse("ids", &Error::NotFound))?;
    Ok((org, attempt, news))
}

/// The same for any hook of an organization, read by `hear`.
pub(super) async fn listen_for<T>(
    app: &App,
    org: &str,
    uri: &Uri,
    request: Request,
    hear: impl Fn(&Hook<'_>) -> Result<T, HookRefusal>,
) -> Result<(OrgId, T), Response> {
    let (parts, body) = request.into_parts();
    let body = raw(body).await?;
    let signature = parts.headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    let path_and_query = uri.path_and_query().map_or("/", |whole| whole.as_str());
    let news = hear(&Hook { path_and_query, signature, body: &body }).map_err(|refusal| refuse_hook(&refusal))?;
    let org = org.parse().map_err(|_| refuse("ids", &Error::NotFound))?;
    limits::provider(app, org).await.map_err(|error| refuse("pace", &error))?;
    Ok((org, news))
}

/// An instruction as a reply.
pub(super) fn told(told: Instruction) -> Response {
    ([(header::CONTENT_TYPE, told.content_type)], told.body).into_response()
}

/// A webhook that nobody believes, or nobody understands.
fn refuse_hook(refusal: &HookRefusal) -> Response {
    // Only that it happened: an unsigned request's own words are anybody's.
    tracing::warn!(refusal = %refusal, "a webhook was refused");
    let status = match refusal {
        HookRefusal::NotTheCarrier => StatusCode::FORBIDDEN,
        HookRefusal::Unreadable => StatusCode::BAD_REQUEST,
    };
    (status, format!("{refusal}\n")).into_response()
}

/// The whole body of a webhook, within bounds.
async fn raw(body: Body) -> Result<axum::body::Bytes, Response> {
    match tokio::time::timeout(BODY_WITHIN, to_bytes(body, LARGEST_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err((StatusCode::PAYLOAD_TOO_LARGE, "a webhook may have 1 MiB\n").into_response()),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the webhook did not arrive in time\n").into_response()),
    }
}

/// An error as the carrier understands it: 5xx is sent again, 4xx is not.
pub(super) fn refuse(hook: &'static str, error: &Error) -> Response {
    let status = match (error.verdict(), error) {
        (Verdict::CallersFault, Error::NotFound) => StatusCode::NOT_FOUND,
        (Verdict::CallersFault, Error::TooMany { .. }) => StatusCode::TOO_MANY_REQUESTS,
        (Verdict::CallersFault, _) => StatusCode::CONFLICT,
        (Verdict::TryLater, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Verdict::OurFault, _) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::warn!(hook, status = status.as_u16(), error = %error, "a webhook was not followed");
    (status, "careline could not follow this message\n").into_response()
}
