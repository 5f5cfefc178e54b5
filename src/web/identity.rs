//! Who is asking: the session cookie in, the signed-in person out, and the checks every request passes before a page.

use super::{
    cookies::Cookie,
    forms, limits,
    routes::{self, Door, Permit, Proof},
};
use crate::{
    app::App,
    domain::{
        pace::Pace,
        people::Role,
        session::{self, Device},
    },
    error::Error,
    flows::{
        accept_token::{self, Reach},
        sign_in::{self, Use},
    },
    web::respond::Failure,
};
use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{AppendHeaders, IntoResponse, Response},
};
use std::sync::Arc;

/// The signed-in person, put there by `guard`; a handler that asks for it cannot run without one.
#[derive(Clone)]
pub struct SignedIn(pub sign_in::Identity);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or(Failure(Error::SignedOut))
    }
}

/// Lets a request through only when its route has a row, it does not come from another site, and the row permits the
/// role. A route without a row is closed: whoever forgets the row notices at once.
pub async fn guard(
    State(app): State<Arc<App>>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let Some(path) = matched else { return Ok(next.run(request).await) };
    // A HEAD request is answered by the GET handler, so it needs the GET row.
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let Some(door) = routes::door(&method, path.as_str()) else {
        // A known path with another method is answered 405 by the router, which reads nothing.
        return if routes::DOORS.iter().any(|door| door.path == path.as_str()) {
            Ok(next.run(request).await)
        } else {
            tracing::error!(route = path.as_str(), "a route without a row in the table of permissions");
            Err(Failure(Error::Forbidden))
        };
    };
    // A browser never adds a token of its own accord, so a request that shows one was meant; cookies beside it count for
    // nothing.
    let token = bearer(request.headers()).map(str::to_owned);
    if token.is_none() && !method.is_safe() && !same_site(request.headers()) {
        return Err(Failure(Error::Forbidden));
    }
    let address = limits::address_of(&request, app.settings.trusted_proxies);
    limits::visitor(&app, door.pace, address).await?;
    let response = match door.permit {
        Permit::Anyone => next.run(request).await,
        Permit::Roles(roles) => {
            let person = match &token {
                None => whoami(&app, request.headers()).await?,
                Some(token) => match by_token(&app, token, door).await {
                    Ok(person) => person,
                    Err(refusal) => return Ok(refused(refusal, door)),
                },
            };
            limits::person(&app, door.pace, &person).await?;
            admit(&app, &person, door, roles)?;
            request.extensions_mut().insert(SignedIn(person));
            match token {
                None => in_session(&app, request, next).await,
                Some(_) => next.run(request).await,
            }
        }
    };
    let right = response.status().is_success() || response.status().is_redirection();
    if door.pace == Pace::SignIn && right {
        limits::forgive(&app, door.pace, address).await;
    }
    Ok(response)
}

/// What a known person needs beside being known: a role that the door permits, a second factor where one is required, and
/// for what is sensitive a fresh proof.
fn admit(app: &App, person: &sign_in::Identity, door: &Door, roles: &[Role]) -> Result<(), Error> {
    if !person.actor.role().is_some_and(|role| roles.contains(&role)) {
        return Err(Error::Forbidden);
    }
    if person.owes_factor && !door.is_early() {
        return Err(Error::FactorOwed);
    }
    match door.proof {
        Proof::Fresh if !session::is_fresh(person.proven_at, app.clock.now()) => Err(Error::Unproven),
        Proof::Fresh | Proof::Session => Ok(()),
    }
}

/// A request of somebody who is known by a cookie: forms come back with the token they left with.
async fn in_session(app: &App, request: Request, next: Next) -> Response {
    let cookie = Cookie::Session.of(app, request.headers()).unwrap_or("").to_owned();
    let request = if request.method().is_safe() {
        request
    } else {
        match forms::check(request, &cookie).await {
            Ok(request) => request,
            Err(refusal) => return refusal,
        }
    };
    forms::plant(next.run(request).await, &cookie).await
}

/// The token of an `Authorization: Bearer` header (RFC 6750); empty for a header that is no such thing, because a request
/// which shows an identity is never answered under another one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        Some(_) | None => Some(""),
    }
}

/// The program behind a token, at this door.
async fn by_token(app: &App, token: &str, door: &Door) -> Result<sign_in::Identity, Error> {
    match accept_token::accept(app, token, door.scope).await? {
        Reach::Beyond => Err(Error::Forbidden),
        Reach::Within(actor, bearer) => Ok(sign_in::Identity {
            actor,
            session: None,
            full_name: bearer.full_name,
            org_name: bearer.org_name,
            org_code: bearer.org_code,
            proven_at: None,
            lifetime: None,
            owes_factor: false,
        }),
    }
}

/// A refused token's reply: which of the two it was, and which scope would do, as RFC 6750 section 3.1 says it.
fn refused(error: Error, door: &Door) -> Response {
    let words = match (&error, door.scope) {
        (Error::Forbidden, Some(scope)) => format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.word()),
        (Error::Forbidden, None) => "Bearer error=\"insufficient_scope\"".to_owned(),
        (Error::SignedOut, _) => "Bearer error=\"invalid_token\"".to_owned(),
        (_, _) => String::new(),
    };
    let mut response = Failure(error).into_response();
    if let Some(value) = HeaderValue::from_str(&words).ok().filter(|value| !value.is_empty()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// The person behind a request's cookie.
///
/// # Errors
/// `SignedOut` without a cookie or when its session is over.
pub async fn whoami(app: &App, headers: &HeaderMap) -> Result<sign_in::Identity, Error> {
    let value = Cookie::Session.of(app, headers).ok_or(Error::SignedOut)?;
    // A list that reads itself again is nobody's hand on the keyboard.
    let glance = headers.contains_key("x-careline-glance");
    sign_in::whoami(app, value, if glance { Use::Glance } else { Use::Hand }).await
}

/// The family of the browser that asks.
#[must_use]
pub fn device_of(headers: &HeaderMap) -> Device {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Device::of_agent(agent.unwrap_or_default())
}

/// What a browser keeps of a sign-in.
pub fn cookies_for(app: &App, entered: &sign_in::Entered) -> AppendHeaders<[(HeaderName, String); 2]> {
    AppendHeaders([
        (header::SET_COOKIE, Cookie::Session.kept(app, &entered.session)),
        (header::SET_COOKIE, Cookie::Device.kept(app, &entered.device)),
    ])
}

/// Where a role's day begins.
#[must_use]
pub const fn home_of(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Nurse | Role::Coordinator | Role::Physician) => "/today",
        Some(Role::Admin | Role::Auditor) => "/record",
        None => "/sign-in",
    }
}

/// Whether a changing request was sent by one of our own pages, or by no browser at all. Every browser of the last
/// years sends `Sec-Fetch-Site`; older ones send `Origin`; a program sends neither and holds no ambient cookie.
#[must_use]
pub fn same_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text("origin") else { return true };
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    text("host") == Some(host)
}

/// Whether a socket was opened by a page of ours. A browser always sends `Origin` with one (RFC 6455, section 4.1) and, for
/// want of a preflight, lets every site try; so here nothing means no.
#[must_use]
pub fn own_origin(app: &App, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == &*app.settings.public_url || host.is_some() && host == text(header::HOST)
}
