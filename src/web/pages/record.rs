//! The record for auditors and admins: a search, and the button that recomputes the chain.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{audit::DeedKind, ids::PatientId},
    error::Error,
    flows::{
        open_worklist,
        search_record::{self, RecordLine, RecordPage as Found, RecordQuery},
        verify_record,
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{Form, extract::State, response::Response};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the search form sends; pages count from 0.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RecordForm {
    deed: String,
    patient: String,
    page: u32,
}

/// What verifying found.
struct Verdict {
    sound: bool,
    words: String,
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    frame: Frame,
    form: RecordForm,
    kinds: &'static [DeedKind],
    found: Found,
    zone: Tz,
    patient_fault: Option<&'static str>,
    verdict: Option<Verdict>,
}

/// `GET /record`: the newest entries.
///
/// # Errors
/// When the record cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, RecordForm::default(), None).await?)
}

/// `POST /record`: entries of one kind or about one patient.
///
/// # Errors
/// When the record cannot be read.
pub async fn search(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<RecordForm>,
) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, form, None).await?)
}

/// `POST /record/verify`: every hash again.
///
/// # Errors
/// When the record cannot be read.
pub async fn verify(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let report = verify_record::verify(&app, &person.0.actor).await?;
    let verdict = match report.fault {
        None => Verdict { sound: true, words: format!("The record is whole: {} entries verified.", report.entries) },
        Some(fault) => Verdict { sound: false, words: format!("The record was tampered with: {fault}.") },
    };
    respond::page(&read(&app, &person, RecordForm::default(), Some(verdict)).await?)
}

async fn read(app: &App, person: &SignedIn, form: RecordForm, verdict: Option<Verdict>) -> Result<RecordPage, Error> {
    let typed = form.patient.trim();
    let patient = if typed.is_empty() { Ok(None) } else { typed.parse::<PatientId>().map(Some) };
    let patient_fault = patient.is_err().then_some("This is not an id; copy it from the address of a chart.");
    let query = RecordQuery {
        deed: DeedKind::ALL.iter().copied().find(|kind| kind.word() == form.deed),
        patient: patient.unwrap_or_default(),
        ..RecordQuery::default()
    };
    let found = search_record::search(app, &person.0.actor, &query, form.page).await?;
    let zone = open_worklist::zone(app, &person.0.actor).await?;
    let frame = Frame::of(person, "Record", "/record");
    Ok(RecordPage { frame, form, kinds: DeedKind::ALL, found, zone, patient_fault, verdict })
}

/// Who did it, in words.
fn who(line: &RecordLine) -> String {
    match (&line.staff_name, &line.actor_role) {
        (Some(name), Some(role)) => format!("{name} ({})", words::plain(role)),
        (Some(name), None) => name.clone(),
        (None, _) => words::plain(&line.actor_kind),
    }
}

fn detail(line: &RecordLine) -> String {
    let parts: Vec<String> = line.detail.iter().map(|(name, value)| format!("{name} {value}")).collect();
    parts.join(" · ")
}
