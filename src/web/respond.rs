//! What a person or a program reads when something did not go as wished: `Error::verdict` becomes a page, or an
//! RFC 9457 problem under `/api`. Faults are logged here and nowhere else.

use super::{
    layers::RequestId,
    pages::{Bare, assets, icons},
};
use crate::error::{Error, Verdict};
use askama::Template;
use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Serialize;
use std::sync::Arc;

/// An error on its way out. It carries a status; `finish` writes the body, because only there the request id and the
/// skin (page or API) are known.
#[derive(Debug)]
pub struct Failure(pub Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// A rendered page. A template that cannot be rendered is our fault.
///
/// # Errors
/// When the template fails.
pub fn page(template: &impl Template) -> Result<Response, Failure> {
    page_with(StatusCode::OK, template)
}

/// A rendered page with a status of its own, such as 422 for a form that comes back.
///
/// # Errors
/// When the template fails.
pub fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Failure> {
    let text = template.render().map_err(|error| Error::Fault(format!("a page cannot be rendered: {error}")))?;
    let mut response = (status, Html(text)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The body is already what a person should read.
    response.extensions_mut().insert(Written);
    Ok(response)
}

/// A sentence for `static/live.js`, which shows it where the reader is.
///
/// # Errors
/// Never; it has the shape of the other replies.
pub fn note(status: StatusCode, words: String) -> Result<Response, Failure> {
    let mut response = (status, words).into_response();
    response.extensions_mut().insert(Written);
    Ok(response)
}

/// Marks a response whose body is already what its reader should see.
#[derive(Clone, Copy)]
pub struct Written;

/// An RFC 9457 problem.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// What kind of problem; stable, to be compared by programs.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What to do next.
    pub detail: String,
    /// The request's id, to be quoted to whoever runs Careline.
    pub instance: String,
}

/// Gives every failed response its body: ours and the framework's own (404, 405, 413, unreadable forms).
pub async fn finish(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    let api = request.uri().path().starts_with("/api");
    let back = asked_from(&request);
    let response = next.run(request).await;
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || response.extensions().get::<Written>().is_some() {
        return response;
    }
    let error = response.extensions().get::<Arc<Error>>().cloned();
    if let Some(error) = &error {
        log(error, &id);
    }
    if status == StatusCode::UNAUTHORIZED && !api {
        return Redirect::to(&path_with("/sign-in", "then", back.as_deref())).into_response();
    }
    let unproven = matches!(error.as_deref(), Some(Error::Unproven));
    if unproven && !api {
        return Redirect::to(&path_with("/prove", "next", back.as_deref())).into_response();
    }
    if matches!(error.as_deref(), Some(Error::FactorOwed)) && !api {
        return Redirect::to("/account/factors").into_response();
    }
    let detail = error.as_deref().map_or_else(|| framework_words(status).to_owned(), words_of);
    let (kind, title) = if unproven { ("prove_again", "Prove again who you are") } else { title_of(status) };
    let mut written = if api {
        problem(Problem { kind, title, status: status.as_u16(), detail, instance: id.0 })
    } else {
        error_page(status, &detail, &id)
    };
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            written.headers_mut().insert(name, value.clone());
        }
    }
    if let Some(Error::TooMany { seconds }) = error.as_deref() {
        written.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        written.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    written
}

/// The status of an error.
#[must_use]
pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::SignedOut => StatusCode::UNAUTHORIZED,
        Error::Unproven | Error::FactorOwed | Error::Forbidden => StatusCode::FORBIDDEN,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Outage(_) | Error::Database(_) | Error::Fault(_) => match error.verdict() {
            Verdict::CallersFault => StatusCode::CONFLICT,
            Verdict::TryLater => StatusCode::SERVICE_UNAVAILABLE,
            Verdict::OurFault => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

/// What may be shown of an error: never a database's or a provider's own words.
#[must_use]
pub fn words_of(error: &Error) -> String {
    match error {
        Error::Invalid(text) | Error::Conflict(text) => sentence(text),
        Error::SignedOut => {
            "You are not signed in, or your session or token has ended. Sign in and try again.".to_owned()
        }
        Error::Unproven => {
            "This wants a fresh proof of who you are. POST your password to /api/prove, then try again.".to_owned()
        }
        Error::FactorOwed => {
            "Your organization requires a second factor. Add one on the page /account/factors; everything else opens \
             after that."
                .to_owned()
        }
        Error::Forbidden => "Your role does not permit this. An administrator can change roles.".to_owned(),
        Error::NotFound => "There is nothing here under that name. It may belong to another organization.".to_owned(),
        Error::TooMany { seconds } => {
            format!("Too many requests in too short a time. Nothing was lost: wait {seconds} seconds, then try again.")
        }
        Error::Outage(_) | Error::Database(_) | Error::Fault(_) => match error.verdict() {
            Verdict::CallersFault => {
                "This was already done, or what it refers to has changed. Open the page again.".to_owned()
            }
            Verdict::TryLater => {
                "Something Careline depends on does not answer just now. Nothing was changed; try again in a moment."
                    .to_owned()
            }
            Verdict::OurFault => {
                "Careline made a mistake. Nothing was changed. Quote the request number to whoever runs Careline."
                    .to_owned()
            }
        },
    }
}

fn log(error: &Error, id: &RequestId) {
    match error.verdict() {
        Verdict::CallersFault => {}
        Verdict::TryLater => tracing::warn!(request = %id.0, cause = %error.cause(), "a request must be tried later"),
        Verdict::OurFault => tracing::error!(request = %id.0, cause = %error.cause(), "a request failed by our fault"),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn framework_words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is no page under this address.",
        StatusCode::METHOD_NOT_ALLOWED => "This address cannot be used that way.",
        StatusCode::PAYLOAD_TOO_LARGE => "This is more than Careline accepts at once (1 MiB). Send less.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body has a type Careline does not read here.",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            "The request could not be read: a field is missing or has the wrong shape."
        }
        StatusCode::FORBIDDEN => "This is not permitted.",
        other if other.is_server_error() => {
            "Careline made a mistake. Quote the request number to whoever runs Careline."
        }
        _ => "The request could not be answered.",
    }
}

fn title_of(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => ("invalid", "Please check what was sent"),
        StatusCode::UNAUTHORIZED => ("signed-out", "Sign in first"),
        StatusCode::FORBIDDEN => ("forbidden", "Not permitted"),
        StatusCode::NOT_FOUND => ("not-found", "Nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => ("method", "Not in that way"),
        StatusCode::CONFLICT => ("conflict", "This has moved on"),
        StatusCode::TOO_MANY_REQUESTS => ("too-many", "Please wait a little"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "Too much at once"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media-type", "A type Careline does not read"),
        StatusCode::SERVICE_UNAVAILABLE => ("try-later", "Try again in a moment"),
        StatusCode::INTERNAL_SERVER_ERROR => ("fault", "Careline made a mistake"),
        _ => ("refused", "This did not work"),
    }
}

fn problem(body: Problem) -> Response {
    let status = StatusCode::from_u16(body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

fn error_page(status: StatusCode, detail: &str, id: &RequestId) -> Response {
    let (_, title) = title_of(status);
    let template = ErrorPage { frame: Bare { title }, title, detail, request: &id.0, status: status.as_u16() };
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => (status, title).into_response(),
    }
}

/// Where a reader goes back to after signing in or proving who they are: the page they asked for, or the page of ours
/// whose form they sent.
fn asked_from(request: &Request) -> Option<String> {
    if request.method() == Method::GET {
        return Some(request.uri().path().to_owned());
    }
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let (_, place) = text(header::REFERER)?.split_once("://")?;
    let (host, path) = place.split_once('/')?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    (text(header::HOST) == Some(host)).then(|| format!("/{path}"))
}

/// A page of ours, remembering where a reader wanted to go.
fn path_with(page: &str, name: &str, back: Option<&str>) -> String {
    match back {
        Some(path) if path.len() > 1 => {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, path).finish();
            format!("{page}?{query}")
        }
        Some(_) | None => page.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Bare,
    title: &'a str,
    detail: &'a str,
    request: &'a str,
    status: u16,
}
