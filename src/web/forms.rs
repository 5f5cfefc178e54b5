//! The token that every form of a session carries (the synchronizer token of the OWASP cheat sheet): it is made from the
//! secret in the session's cookie, which no other site can read, planted into every form that leaves and asked of every
//! form that comes back. No template has to remember it, so none can forget it.

use super::respond::Failure;
use crate::error::Error;
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The hidden field.
pub const FIELD: &str = "form_token";
/// The header that a script may send instead.
pub const HEADER: &str = "x-form-token";
/// Most bytes of a page.
const LARGEST_PAGE: usize = 16 * 1024 * 1024;
/// How far into an upload its token stands; it is the first field of its form.
const HEAD_OF_UPLOAD: usize = 1024;

/// The token of the session behind a cookie's value.
#[must_use]
pub fn token_for(cookie: &str) -> String {
    // A key of any length is taken, so the fallback is never used; it fits no session.
    Hmac::<Sha256>::new_from_slice(cookie.as_bytes()).map_or_else(
        |_| hex::encode(rand::random::<[u8; 32]>()),
        |mut mac| {
            mac.update(b"careline form token v1");
            hex::encode(mac.finalize().into_bytes())
        },
    )
}

/// Lets a changing request of a session through when it carries the session's token, or a body that no form of another
/// site can send: JSON, or, for the API, nothing at all.
///
/// # Errors
/// What to answer instead.
pub async fn check(request: Request, cookie: &str) -> Result<Request, Response> {
    let token = token_for(cookie);
    if let Some(shown) = request.headers().get(HEADER) {
        return if fits(&token, shown.as_bytes()) { Ok(request) } else { Err(stale()) };
    }
    let api = request.uri().path().starts_with("/api/");
    match kind(request.headers()) {
        Kind::Json => Ok(request),
        Kind::Form if !api => read_form(request, &token).await,
        Kind::Upload if !api => read_upload(request, &token).await,
        Kind::Nothing if api => Ok(request),
        Kind::Nothing => Err(stale()),
        Kind::Form | Kind::Upload | Kind::Other => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()),
    }
}

/// Plants the token into every form of a page.
pub async fn plant(response: Response, cookie: &str) -> Response {
    let html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !html {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, LARGEST_PAGE).await else {
        return Failure(Error::Fault("a page broke off".to_owned())).into_response();
    };
    let Ok(page) = std::str::from_utf8(&whole) else {
        return Failure(Error::Fault("a page is no text".to_owned())).into_response();
    };
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(planted(page, &token_for(cookie))))
}

/// A page with the token in every form that changes something. Values are escaped, so `<form` is always an element.
#[must_use]
pub fn planted(page: &str, token: &str) -> String {
    let mut text = String::with_capacity(page.len() + 512);
    let mut rest = page;
    while let Some(at) = rest.find("<form") {
        let (before, form) = rest.split_at(at);
        let end = form.find('>').map_or(form.len(), |end| end + 1);
        let (tag, after) = form.split_at(end);
        text.push_str(before);
        text.push_str(tag);
        if tag.to_ascii_lowercase().contains("method=\"post\"") {
            for piece in ["<input type=\"hidden\" name=\"", FIELD, "\" value=\"", token, "\">"] {
                text.push_str(piece);
            }
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// What a body says it is.
enum Kind {
    Json,
    Form,
    Upload,
    Nothing,
    Other,
}

fn kind(headers: &HeaderMap) -> Kind {
    let Some(said) = headers.get(header::CONTENT_TYPE) else { return Kind::Nothing };
    let said = said.to_str().unwrap_or("").to_ascii_lowercase();
    match said.split(';').next().unwrap_or("").trim() {
        "application/json" => Kind::Json,
        "application/x-www-form-urlencoded" => Kind::Form,
        "multipart/form-data" => Kind::Upload,
        _ => Kind::Other,
    }
}

async fn read_form(request: Request, token: &str) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    // How much is read was bounded by the door.
    let whole = to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
    let shown =
        url::form_urlencoded::parse(&whole).find(|(name, _)| name == FIELD).map(|(_, value)| value.into_owned());
    let right = shown.is_some_and(|shown| fits(token, shown.as_bytes()));
    believed(right, head, Body::from(whole)).ok_or_else(stale)
}

async fn read_upload(request: Request, token: &str) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    let mut pieces = body.into_data_stream();
    let mut read: Vec<Bytes> = Vec::new();
    while read.iter().map(Bytes::len).sum::<usize>() < HEAD_OF_UPLOAD {
        match pieces.next().await {
            Some(Ok(piece)) => read.push(piece),
            Some(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
            None => break,
        }
    }
    let start: Vec<u8> = read.iter().flatten().copied().take(HEAD_OF_UPLOAD).collect();
    let start = String::from_utf8_lossy(&start).into_owned();
    let shown = start
        .split_once(&format!("name=\"{FIELD}\"\r\n\r\n"))
        .and_then(|(_, after)| after.split_once("\r\n"))
        .map(|(shown, _)| shown);
    let right = shown.is_some_and(|shown| fits(token, shown.as_bytes()));
    let again = stream::iter(read.into_iter().map(Ok)).chain(pieces);
    believed(right, head, Body::from_stream(again)).ok_or_else(stale)
}

/// The request as it came, when its token fits.
fn believed(right: bool, head: Parts, body: Body) -> Option<Request> {
    right.then(|| Request::from_parts(head, body))
}

fn fits(token: &str, shown: &[u8]) -> bool {
    token.as_bytes().ct_eq(shown).into()
}

fn stale() -> Response {
    Failure(Error::Conflict(
        "this page was opened before you last signed in, so nothing was changed; open it again, then send it once more"
            .to_owned(),
    ))
    .into_response()
}
