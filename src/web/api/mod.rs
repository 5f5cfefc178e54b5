//! The API: the same flows as the pages, as JSON, described by OpenAPI 3.1 that is generated from this code. Wire types
//! are this entrance's own; nobody's name, number or question is ever part of an address.

pub mod account;
pub mod assessments;
pub mod break_glass;
pub mod calls;
pub mod follow_ups;
pub mod guidance;
pub mod patients;
pub mod record;
pub mod reviews;
pub mod session;
pub mod tokens;
pub mod worklist;

use super::respond::{Failure, Problem};
use crate::{app::App, error::Error};
use axum::{
    Json, Router,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use std::sync::{Arc, LazyLock};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Careline",
        description = "The telephone ward of a palliative-care service. Sign in with `POST /api/sign-in`; the session \
                       is the cookie it sets. A program shows a token instead, `Authorization: Bearer careline_...`, \
                       and opens what the token's scopes and its owner's role both permit. Failures are RFC 9457 problems. Names, numbers and questions travel in \
                       bodies, never in addresses.",
    ),
    components(schemas(Problem)),
    modifiers(&Cookie),
    security(("session" = []), ("token" = []))
)]
struct Document;

struct Cookie;

impl Modify for Cookie {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            "__Host-careline",
            "Set by POST /api/sign-in. On a loopback address without TLS its name is `careline`.",
        ));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of a staff member, `careline_...`, made at /account/tokens."));
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    }
}

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(session::sign_in))
        .routes(routes!(session::sign_out))
        .routes(routes!(session::prove))
        .routes(routes!(account::left))
        .routes(routes!(account::list))
        .routes(routes!(account::end))
        .routes(routes!(account::end_others))
        .routes(routes!(account::ticket))
        .routes(routes!(session::me))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .routes(routes!(worklist::today))
        .routes(routes!(calls::schedule))
        .routes(routes!(calls::show))
        .routes(routes!(calls::cancel))
        .routes(routes!(calls::hang_up))
        .routes(routes!(assessments::open, assessments::save))
        .routes(routes!(assessments::sign))
        .routes(routes!(guidance::ask, guidance::list))
        .routes(routes!(patients::search))
        .routes(routes!(patients::admit))
        .routes(routes!(patients::chart))
        .routes(routes!(patients::add_contact))
        .routes(routes!(patients::record_consent))
        .routes(routes!(record::search))
        .routes(routes!(record::verify))
        .routes(routes!(record::look_up))
        .routes(routes!(record::access))
        .routes(routes!(reviews::queue))
        .routes(routes!(reviews::review))
        .routes(routes!(break_glass::begin, break_glass::queue))
        .routes(routes!(break_glass::end))
        .routes(routes!(break_glass::review))
        .routes(routes!(follow_ups::list))
        .routes(routes!(follow_ups::complete))
}

/// Every route under `/api`, and the document that describes them.
pub fn routes() -> Router<Arc<App>> {
    let (router, _) = described().split_for_parts();
    router.route("/api/openapi.json", axum::routing::get(document))
}

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(|| described().split_for_parts().1);

/// `GET /api/openapi.json`.
async fn document() -> Response {
    Json(&*DOCUMENT).into_response()
}

/// A JSON body. What is wrong with it is said to whoever sent it, and to nobody else.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => Err(invalid(&error.body_text())),
            Err(JsonRejection::JsonSyntaxError(error)) => Err(invalid(&error.body_text())),
            Err(other) => Err(other.into_response()),
        }
    }
}

fn invalid(text: &str) -> Response {
    Failure(Error::Invalid(text.to_owned())).into_response()
}

/// The caller's own key for a request that must count once.
///
/// # Errors
/// `Invalid` when it is empty, longer than 100 characters, or not visible ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=100).contains(&key.len()) => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => Err(Error::Invalid("Idempotency-Key must be 1 to 100 visible ASCII characters".to_owned())),
    }
}

/// What every operation answers when it did its work and has nothing to say.
pub const DONE: StatusCode = StatusCode::NO_CONTENT;
