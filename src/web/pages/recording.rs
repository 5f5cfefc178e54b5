//! The recording of a call: played as audio, in parts when a player asks for parts; held and let go by a coordinator.

use crate::{
    app::App,
    domain::{ids::CallId, wave::Wanted},
    error::Error,
    flows::recordings::{
        hold,
        play::{self, Asked, Playback},
    },
    web::{identity::SignedIn, respond::Failure},
};
use axum::{
    Form,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::TryStreamExt;
use serde::Deserialize;
use std::{io, sync::Arc};

/// What the form of a hold sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct HoldForm {
    why: String,
}

/// `GET /calls/{id}/recording`: a WAVE file of two channels, or the part that `Range` names (RFC 9110).
///
/// # Errors
/// `NotFound` without a recording; `Conflict` while people still talk, or when it was erased or altered.
pub async fn play(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let wanted = text(header::RANGE).map_or(Wanted::Whole, Wanted::read);
    let if_version = text(header::IF_RANGE).map(|tag| tag.trim_matches('"'));
    match play::play(&app, &person.0.actor, id, Asked { wanted, if_version }).await {
        Ok(playback) => Ok(audio(playback)),
        Err(Error::Invalid(text)) => Ok((StatusCode::RANGE_NOT_SATISFIABLE, format!("{text}\n")).into_response()),
        Err(error) => Err(error.into()),
    }
}

/// `POST /calls/{id}/recording/hold`.
///
/// # Errors
/// `Invalid` without a reason; `NotFound` without a recording; `Conflict` when it is held.
pub async fn hold(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    Form(form): Form<HoldForm>,
) -> Result<Redirect, Failure> {
    hold::hold(&app, &person.0.actor, id, &form.why).await?;
    Ok(Redirect::to(&format!("/calls/{id}#recording")))
}

/// `POST /calls/{id}/recording/release`.
///
/// # Errors
/// `NotFound` when nobody holds it.
pub async fn release(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
) -> Result<Redirect, Failure> {
    hold::release(&app, &person.0.actor, id).await?;
    Ok(Redirect::to(&format!("/calls/{id}#recording")))
}

fn audio(playback: Playback) -> Response {
    let Playback { given, whole, from, to, .. } = playback;
    let status = if given == Wanted::Whole { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    let headers = [
        (header::CONTENT_TYPE, "audio/wav".to_owned()),
        (header::CONTENT_LENGTH, to.saturating_sub(from).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, format!("\"{}\"", playback.version)),
        (header::CONTENT_DISPOSITION, "inline; filename=\"recording.wav\"".to_owned()),
    ];
    // A part that cannot be verified breaks the connection off, so that no player takes it for the end.
    let body = Body::from_stream(playback.pieces().map_err(|error| io::Error::other(error.cause())));
    let mut response = (status, headers, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = format!("bytes {from}-{}/{whole}", to.saturating_sub(1)).parse()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}
