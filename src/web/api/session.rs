//! Signing in and out, and who one is.

use super::{Body, DONE};
use crate::{
    app::App,
    domain::{pace::Pace, people::Role, private::Private},
    error::Error,
    flows::{
        prove::{self, Typed},
        sign_in::{self, Browser, FirstStep},
    },
    web::{
        cookies::Cookie,
        identity::{self, SignedIn},
        limits,
        respond::{Failure, Problem},
    },
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What signing in needs.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Credentials {
    /// The organization's code.
    organization: String,
    /// The e-mail address of the login.
    email: String,
    /// The password.
    password: String,
    /// A code of an authenticator app, or a recovery code; needed by whoever has a second factor.
    #[serde(default)]
    code: String,
}

/// Who one is.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Me {
    /// Full name.
    full_name: String,
    /// Role.
    role: Option<Role>,
    /// The organization's name.
    organization: String,
    /// The organization's code.
    organization_code: String,
}

/// Signs in and sets the session cookie.
///
/// # Errors
/// 401 without saying which of the three is wrong.
#[utoipa::path(post, path = "/api/sign-in", tag = "session", security(()), request_body = Credentials,
    responses((status = 204, description = "Signed in; the cookie is set"), (status = 401, body = Problem)))]
pub async fn sign_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Body(body): Body<Credentials>,
) -> Result<Response, Failure> {
    limits::organization(&app, Pace::SignIn, body.organization.trim()).await?;
    let entry = sign_in::Entry {
        organization: body.organization.trim(),
        email: body.email.trim(),
        password: Private::new(body.password),
        known: Cookie::Device.of(&app, &headers),
        device: identity::device_of(&headers),
    };
    let step = sign_in::sign_in(&app, &entry).await.map_err(|error| match error {
        Error::Invalid(_) => Error::SignedOut,
        other => other,
    })?;
    let browser = Browser { known: entry.known, device: entry.device };
    let entered = match step {
        FirstStep::Entered(entered) => entered,
        FirstStep::Half(_) if body.code.is_empty() => {
            let words = "this login has a second factor: send a code of its app, or a recovery code, as `code` too";
            return Err(Failure(Error::Invalid(words.to_owned())));
        }
        FirstStep::Half(half) => sign_in::by_code(&app, Some(&half), &body.code, &browser).await?,
    };
    Ok((DONE, identity::cookies_for(&app, &entered)).into_response())
}

/// What proving who one is needs.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Proving {
    /// The password, once more.
    password: String,
    /// A code of an authenticator app, or a recovery code; needed by whoever has a second factor.
    #[serde(default)]
    code: String,
}

/// Proves again who one is, for what answers `prove_again`; sets a new session cookie, and the old one is dead.
///
/// # Errors
/// 422 for a wrong password or after too many.
#[utoipa::path(post, path = "/api/prove", tag = "session", request_body = Proving,
    responses((status = 204, description = "Proven; the cookie is new"), (status = 422, body = Problem)))]
pub async fn prove(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Body(body): Body<Proving>,
) -> Result<Response, Failure> {
    let session = person.session.ok_or(Error::SignedOut)?;
    let typed = Typed { password: Private::new(body.password), code: Private::new(body.code) };
    let cookie = prove::by_password(&app, &person.actor, session, &typed).await?;
    Ok((DONE, [(header::SET_COOKIE, Cookie::Session.kept(&app, &cookie))]).into_response())
}

/// Ends the session on the server.
///
/// # Errors
/// 401 when there is none.
#[utoipa::path(post, path = "/api/sign-out", tag = "session", responses((status = 204), (status = 401, body = Problem)))]
pub async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    let value = Cookie::Session.of(&app, &headers).ok_or(Error::SignedOut)?;
    sign_in::sign_out(&app, value).await?;
    Ok((DONE, [(header::SET_COOKIE, Cookie::Session.forgotten(&app))]).into_response())
}

/// Who one is.
#[utoipa::path(get, path = "/api/me", tag = "session", responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub async fn me(SignedIn(person): SignedIn) -> Json<Me> {
    Json(Me {
        role: person.actor.role(),
        full_name: person.full_name,
        organization: person.org_name,
        organization_code: person.org_code,
    })
}
