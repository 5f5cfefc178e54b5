//! Documents of a chart: kept, downloaded, removed. A browser never opens one in our pages; it is saved as a file.

use super::chart;
use crate::{
    app::App,
    domain::{
        document::LARGEST_DOCUMENT,
        ids::{FileId, PatientId},
    },
    error::Error,
    flows::{keep_document, read_document, remove_document},
    web::{identity::SignedIn, respond::Failure},
};
use axum::{
    Form,
    extract::{
        Multipart, Path, State,
        multipart::{Field, MultipartError},
    },
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use futures_util::{Stream, TryStreamExt};
use serde::Deserialize;
use std::sync::Arc;

/// Most bytes of the form that carries a document: the document, and what a browser writes around it.
pub const LARGEST_FORM: usize = 21 * 1024 * 1024;

/// What the form of a removal sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RemovalForm {
    why: String,
}

/// `POST /patients/{id}/documents`, a form with one file.
///
/// # Errors
/// `NotFound` for a patient the reader does not reach.
pub async fn keep(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, Failure> {
    let kept = match form {
        Ok(form) => take(&app, &person, patient, form).await,
        Err(_) => Err(nothing()),
    };
    match kept {
        Ok(_) => Ok(Redirect::to(&format!("/patients/{patient}#documents")).into_response()),
        Err(Error::Invalid(text)) => chart::with_document_fault(&app, &person, patient, &text).await,
        Err(error) => Err(error.into()),
    }
}

/// `GET /patients/{id}/documents/{document}`.
///
/// # Errors
/// `NotFound` when the chart has none of that name; `Conflict` when it is not what was kept.
pub async fn read(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((patient, id)): Path<(PatientId, FileId)>,
) -> Result<Response, Failure> {
    let document = read_document::read(&app, &person.0.actor, patient, id).await?;
    let ending = document.media_type.ending();
    let name = encoded(document.name.reveal());
    let headers = [
        (header::CONTENT_TYPE, document.media_type.word().to_owned()),
        // RFC 6266: a plain name for whoever cannot read the other (RFC 8187).
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"document.{ending}\"; filename*=UTF-8''{name}")),
    ];
    Ok((headers, document.bytes.into_revealed()).into_response())
}

/// `POST /patients/{id}/documents/{document}/remove`.
///
/// # Errors
/// `NotFound` when the chart has none of that name, or no more.
pub async fn remove(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((patient, id)): Path<(PatientId, FileId)>,
    Form(form): Form<RemovalForm>,
) -> Result<Response, Failure> {
    match remove_document::remove(&app, &person.0.actor, patient, id, &form.why).await {
        Ok(()) => Ok(Redirect::to(&format!("/patients/{patient}#documents")).into_response()),
        Err(Error::Invalid(text)) => chart::with_document_fault(&app, &person, patient, &text).await,
        Err(error) => Err(error.into()),
    }
}

async fn take(app: &App, person: &SignedIn, patient: PatientId, mut form: Multipart) -> Result<FileId, Error> {
    while let Some(field) = form.next_field().await.map_err(|why| unread(&why))? {
        if field.name() == Some("document") {
            let name = field.file_name().unwrap_or_default().to_owned();
            return keep_document::keep(app, &person.0.actor, patient, &name, pieces(field)).await;
        }
    }
    Err(nothing())
}

fn pieces(field: Field<'_>) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send + Unpin {
    field.map_ok(|piece| piece.to_vec()).map_err(|why| unread(&why))
}

fn unread(why: &MultipartError) -> Error {
    if why.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        let most = LARGEST_DOCUMENT / 1024 / 1024;
        return Error::Invalid(format!("document: it is larger than {most} MiB; send a smaller scan"));
    }
    Error::Invalid("document: it did not arrive whole; send it again".to_owned())
}

fn nothing() -> Error {
    Error::Invalid("document: choose a file first".to_owned())
}

/// Percent-encoded for a header (RFC 8187): letters and digits of ASCII stay.
fn encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-' {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
