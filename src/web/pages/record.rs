//! The record for auditors and admins: how it is kept, a search, and the button that verifies all of it.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{
        audit::DeedKind,
        ids::{PatientId, StaffId},
        private::Private,
    },
    error::Error,
    flows::{
        export_record,
        look_up_patient::{self, Sought},
        open_record::{self, ExportWish, SecondPlace, Standing},
        search_record::{self, RecordLine, RecordPage as Found, RecordQuery},
        verify_record::{self, Witness},
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the search form sends; days are those of the organization's zone, pages count from 0.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RecordForm {
    deed: String,
    patient: String,
    person: String,
    from: String,
    until: String,
    page: u32,
}

/// What the form sends that finds a patient's id.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SoughtForm {
    given_name: String,
    family_name: String,
    born: String,
}

/// What verifying found.
struct Verdict {
    sound: bool,
    words: String,
}

/// What looking for a patient found.
enum LookedUp {
    Not,
    Found(Vec<PatientId>),
    Fault(&'static str),
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    frame: Frame,
    form: RecordForm,
    kinds: &'static [DeedKind],
    found: Found,
    standing: Standing,
    faults: Vec<&'static str>,
    patient: Option<PatientId>,
    looked_up: LookedUp,
    verdict: Option<Verdict>,
}

/// `GET /record`: the newest entries.
///
/// # Errors
/// When the record cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, RecordForm::default(), LookedUp::Not, None).await?)
}

/// `POST /record`: entries of one kind, by one person, about one patient, of some days.
///
/// # Errors
/// When the record cannot be read.
pub async fn search(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<RecordForm>,
) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, form, LookedUp::Not, None).await?)
}

/// `POST /record/patient`: the id of the patient whose exact name and birth date are known, and their entries.
///
/// # Errors
/// When the record cannot be read.
pub async fn look_up(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<SoughtForm>,
) -> Result<Response, Failure> {
    let looked_up = match form.sought() {
        None => LookedUp::Fault("Write given name, family name and birth date as they are in the chart."),
        Some(sought) => LookedUp::Found(look_up_patient::look_up(&app, &person.0.actor, &sought).await?),
    };
    let patient = match &looked_up {
        LookedUp::Found(ids) => ids.first().map(ToString::to_string).unwrap_or_default(),
        LookedUp::Not | LookedUp::Fault(_) => String::new(),
    };
    respond::page(&read(&app, &person, RecordForm { patient, ..RecordForm::default() }, looked_up, None).await?)
}

/// `POST /record/verify`: every hash, mark and checkpoint again.
///
/// # Errors
/// When the record cannot be read.
pub async fn verify(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let report = verify_record::verify(&app, &person.0.actor).await?;
    let place = match report.witness {
        Witness::Heard => "",
        Witness::Away => " Their second place could not be read.",
    };
    let (entries, signed) = (report.entries, report.checkpoints);
    let verdict = match report.fault {
        None => Verdict {
            sound: true,
            words: format!(
                "The record is whole: {entries} entries verified, {signed} signed checkpoints agree.{place}"
            ),
        },
        Some(fault) => Verdict { sound: false, words: format!("The record was tampered with: {fault}.{place}") },
    };
    respond::page(&read(&app, &person, RecordForm::default(), LookedUp::Not, Some(verdict)).await?)
}

/// `POST /record/export`: the whole record as one file, once, after a second person approved it.
///
/// # Errors
/// `Conflict` without an approval of the last day.
pub async fn export(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let actor = person.0.actor;
    let begun = export_record::begin(&app, &actor).await?;
    let name = app.clock.now().format("attachment; filename=\"record-%Y-%m-%d.jsonl\"").to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(export_record::whole(app, actor, begun))).into_response())
}

async fn read(
    app: &App,
    person: &SignedIn,
    form: RecordForm,
    looked_up: LookedUp,
    verdict: Option<Verdict>,
) -> Result<RecordPage, Error> {
    let standing = open_record::open(app, &person.0.actor).await?;
    let (query, faults) = form.query(standing.zone);
    let found = search_record::search(app, &person.0.actor, &query, form.page).await?;
    let frame = Frame::of(person, "Record", "/record");
    let patient = query.patient;
    Ok(RecordPage { frame, form, kinds: DeedKind::ALL, found, standing, faults, patient, looked_up, verdict })
}

impl RecordForm {
    /// What cannot be read is left out of the search and said.
    fn query(&self, zone: Tz) -> (RecordQuery, Vec<&'static str>) {
        let mut faults = Vec::new();
        let patient = read_field(&self.patient, |text| text.parse::<PatientId>().ok());
        let staff = read_field(&self.person, |text| text.parse::<StaffId>().ok());
        let from = read_field(&self.from, |text| midnight(text.parse().ok()?, zone));
        let until = read_field(&self.until, |text| {
            midnight(text.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(1))?, zone)
        });
        if patient.is_err() {
            faults.push("The patient's id is none; copy it from the address of a chart, or look it up by name.");
        }
        if staff.is_err() {
            faults.push("Choose the person from the list.");
        }
        if from.is_err() || until.is_err() {
            faults.push("Write days as year-month-day, such as 2026-11-21.");
        }
        let query = RecordQuery {
            deed: DeedKind::ALL.iter().copied().find(|kind| kind.word() == self.deed),
            patient: patient.unwrap_or_default(),
            staff: staff.unwrap_or_default(),
            from: from.unwrap_or_default(),
            until: until.unwrap_or_default(),
        };
        (query, faults)
    }
}

/// An empty field is "any"; another must be readable.
fn read_field<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ()> {
    match text.trim() {
        "" => Ok(None),
        text => read(text).map(Some).ok_or(()),
    }
}

fn midnight(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest().map(|at| at.with_timezone(&Utc))
}

impl SoughtForm {
    fn sought(&self) -> Option<Sought> {
        let name = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty()).map(Private::new);
        Some(Sought {
            given_name: name(&self.given_name)?,
            family_name: name(&self.family_name)?,
            born: Private::new(self.born.trim().parse().ok()?),
        })
    }
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
