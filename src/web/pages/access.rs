//! Who has seen a patient's record, for printing.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass the fields they show by reference")]

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::ids::PatientId,
    flows::report_access::{self, AccessPerson, AccessReport},
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage {
    frame: Frame,
    patient: PatientId,
    report: AccessReport,
}

/// `GET /patients/{id}/access`.
///
/// # Errors
/// `NotFound` for a coordinator who does not reach the patient.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
) -> Result<Response, Failure> {
    let report = report_access::report(&app, &person.0.actor, patient).await?;
    let frame = Frame::of(&person, "Who has seen this record", "/record");
    respond::page(&AccessPage { frame, patient, report })
}

/// Who it was, in words.
fn who(person: &AccessPerson) -> String {
    match (&person.name, &person.role) {
        (Some(name), Some(role)) => format!("{name} ({})", words::plain(role)),
        (Some(name), None) => name.clone(),
        (None, _) => words::plain(&person.kind),
    }
}

/// From when to when, in words.
fn between(first: &DateTime<Utc>, last: &DateTime<Utc>, zone: &Tz) -> String {
    let (first, last) = (words::time(first, zone), words::time(last, zone));
    if first == last { first } else { format!("{first} to {last}") }
}
