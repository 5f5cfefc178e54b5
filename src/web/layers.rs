//! What every request passes through: an id, one canonical line, security headers, the body limit, panics caught.

use super::{respond, routes};
use crate::{app::App, error::Error};
use axum::{
    RequestExt, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::{any::Any, sync::Arc, time::Instant};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};
use uuid::Uuid;

/// Most bytes of a request body.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// One request's name, in the log line, on error pages and in the `x-request-id` header.
#[derive(Clone, Debug, Default)]
pub struct RequestId(pub String);

/// Wraps pages, API and live sockets; innermost first.
pub fn wrap(app: &Arc<App>, routes: Router<Arc<App>>) -> Router<Arc<App>> {
    routes
        .layer(middleware::from_fn(body_limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(respond::finish))
        .layer(middleware::from_fn_with_state(Arc::clone(app), security_headers))
        .layer(middleware::from_fn(canonical_line))
}

/// Wraps the carrier's doors: limit, panics and the canonical line, but no pages for machines.
pub fn wrap_hooks(app: &Arc<App>, routes: Router<Arc<App>>) -> Router<Arc<App>> {
    routes
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(app), security_headers))
        .layer(middleware::from_fn(canonical_line))
}

/// Reads no more of a body than its door takes. A body that says itself to be larger is not read at all.
async fn body_limit(mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let most =
        path.and_then(|path| routes::door(request.method(), path.as_str())).map_or(BODY_LIMIT, |door| door.most_bytes);
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|said| said.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|said| said > most) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    DefaultBodyLimit::max(most).apply(&mut request);
    next.run(request.with_limited_body()).await
}

async fn canonical_line(mut request: Request, next: Next) -> Response {
    let id = RequestId(Uuid::now_v7().simple().to_string());
    let method = request.method().clone();
    // The template, never the address: an address names a patient.
    let route =
        request.extensions().get::<MatchedPath>().map_or("unmatched".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(id.clone());
    let began = Instant::now();
    let mut response = next.run(request).await;
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    tracing::info!(%method, route, status = response.status().as_u16(), ms, request = %id.0, "request");
    response
}

/// The page of a nurse's own line: alone in reaching the carrier's signalling and the microphone.
const LINE: &str = "/line";
const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const FEATURES: &str =
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), display-capture=()";

/// The content policy and the features of that page. The carrier's script plays its own sounds from addresses elsewhere; here
/// they are replaced by silence in the page itself.
fn line_policies(signalling: &str) -> (String, String) {
    let policy = format!("{POLICY}; connect-src 'self' wss://{signalling}; media-src 'self' data:");
    (policy, FEATURES.replace("microphone=()", "microphone=(self)"))
}

async fn security_headers(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_line = request.uri().path() == LINE;
    let mut response = next.run(request).await;
    // Whoever is turned away from that page gets what everybody gets.
    let opens = is_line && response.status().is_success();
    let headers = response.headers_mut();
    let (policy, features) =
        if opens { line_policies(&app.settings.browser_signalling) } else { (POLICY.to_owned(), FEATURES.to_owned()) };
    for (name, value) in
        [(header::CONTENT_SECURITY_POLICY, policy), (HeaderName::from_static("permissions-policy"), features)]
    {
        // A header that cannot be written would open the page; the usual one closes it.
        headers.insert(name, HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("default-src 'none'")));
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.settings.secure_cookies {
        // Two years, as browsers ask of those they remember before the first visit (RFC 6797).
        let forever = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, forever);
    }
    // What a page shows of a patient stays out of shared caches unless the handler says otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    respond::Failure(Error::Fault("a request panicked".to_owned())).into_response()
}
