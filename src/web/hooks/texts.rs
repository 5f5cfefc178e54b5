//! Webhooks of texts, in the order of all webhooks: the raw body, the signature over it, the ids, the flow's own
//! transaction, and only then an answer.

use super::phone::{raw, refuse, refuse_hook};
use crate::{
    app::App,
    domain::ids::{OrgId, TextId},
    error::Error,
    flows::{follow_text, hear_text},
    ports::phone::{Hook, HookRefusal},
    web::limits,
};
use axum::{
    extract::{OriginalUri, Path, Request, State},
    http::{StatusCode, Uri, header},
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
    let news = match listen(&uri, request, |hook| app.texts.hear_status(hook)).await {
        Ok(news) => news,
        Err(refused) => return refused,
    };
    let followed = match (org.parse::<OrgId>(), text.parse::<TextId>()) {
        (Ok(org), Ok(text)) => match limits::provider(&app, org).await {
            Ok(()) => follow_text::status(&app, org, text, &news).await,
            Err(error) => Err(error),
        },
        (Ok(_) | Err(_), _) => Err(Error::NotFound),
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
    let text = match listen(&uri, request, |hook| app.texts.hear_text(hook)).await {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let heard = match org.parse::<OrgId>() {
        Ok(org) => match limits::provider(&app, org).await {
            Ok(()) => hear_text::hear(&app, org, &text).await,
            Err(error) => Err(error),
        },
        Err(_) => Err(Error::NotFound),
    };
    match heard {
        Ok(()) => {
            let told = app.texts.taken();
            ([(header::CONTENT_TYPE, told.content_type)], told.body).into_response()
        }
        Err(error) => refuse("text_in", &error),
    }
}

/// Reads a webhook and proves that the carrier sent it, before anything in it is believed.
async fn listen<T>(
    uri: &Uri,
    request: Request,
    hear: impl Fn(&Hook<'_>) -> Result<T, HookRefusal>,
) -> Result<T, Response> {
    let (parts, body) = request.into_parts();
    let body = raw(body).await?;
    let signature = parts.headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    let path_and_query = uri.path_and_query().map_or("/", |whole| whole.as_str());
    hear(&Hook { path_and_query, signature, body: &body }).map_err(|refusal| refuse_hook(&refusal))
}
