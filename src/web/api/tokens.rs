//! The reader's own tokens for programs, as JSON. No token opens these doors: a token never makes another.

use super::{Body, DONE};
use crate::{
    app::App,
    domain::{api_token::Scope, ids::TokenId},
    flows::keep_tokens::{self, Token, Wanted},
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

/// What a new token should be.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct NewToken {
    /// What uses it; 1 to 60 characters.
    name: String,
    /// What it may be used for; at least one.
    scopes: Vec<Scope>,
    /// How many days it lasts; 1 to 365.
    days: i64,
}

/// A token that was just made.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MadeToken {
    /// Its id.
    id: TokenId,
    /// Its text. It is given this once; only a fingerprint of it is kept.
    token: String,
}

/// A token as its owner sees it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireToken {
    /// Its id.
    id: TokenId,
    /// What uses it.
    name: String,
    /// What it may be used for.
    scopes: Vec<Scope>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// When it was last used, to the minute; null is never.
    used_at: Option<DateTime<Utc>>,
}

impl From<Token> for WireToken {
    fn from(token: Token) -> Self {
        let Token { id, name, scopes, created_at, expires_at, used_at } = token;
        Self { id, name, scopes, created_at, expires_at, used_at }
    }
}

/// One's own living tokens, newest first.
///
/// # Errors
/// When it cannot be read.
#[utoipa::path(get, path = "/api/tokens", tag = "session",
    responses((status = 200, body = [WireToken]), (status = 401, body = Problem)))]
pub async fn list(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Vec<WireToken>>, Failure> {
    let tokens = keep_tokens::list(&app, &person.actor).await?;
    Ok(Json(tokens.into_iter().map(WireToken::from).collect()))
}

/// Makes a token that acts in one's own name.
///
/// # Errors
/// 422 naming every fault.
#[utoipa::path(post, path = "/api/tokens", tag = "session", request_body = NewToken,
    responses((status = 201, body = MadeToken), (status = 401, body = Problem), (status = 422, body = Problem)))]
pub async fn make(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Body(body): Body<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Failure> {
    let wanted = Wanted { name: body.name, scopes: body.scopes, days: body.days };
    let made = keep_tokens::make(&app, &person.actor, wanted).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { id: made.id, token: made.text.into_revealed() })))
}

/// Revokes one of one's own; the next request by it is refused.
///
/// # Errors
/// 404 when it is not one's own or was revoked before.
#[utoipa::path(post, path = "/api/tokens/{id}/revoke", tag = "session", params(("id" = TokenId, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, Failure> {
    keep_tokens::revoke(&app, &person.actor, id).await?;
    Ok(DONE)
}
