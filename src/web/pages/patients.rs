//! Finding patients and admitting one. What is typed in a search may be a name, so it travels in a body.

use super::{Frame, assets, faults::Faults, icons, words};
use crate::{
    app::App,
    domain::{
        ids::StaffId,
        people::{ChartFacts, Language, PatientStatus, Role},
    },
    error::Error,
    flows::{
        admit_patient::{self, NewPatient},
        open_chart::{self, PatientList},
        open_planning,
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// What the search form sends; pages count from 0.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SearchForm {
    name: String,
    page: u32,
}

#[derive(Template)]
#[template(path = "patients.html")]
struct PatientsPage {
    frame: Frame,
    may_admit: bool,
    may_take: bool,
    name: String,
    found: PatientList,
}

/// `GET /patients`: everybody, by name.
///
/// # Errors
/// When the list cannot be read.
pub async fn list(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    found(&app, &person, SearchForm::default()).await
}

/// `POST /patients`: those whose names begin with what was typed.
///
/// # Errors
/// When the list cannot be read.
pub async fn search(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<SearchForm>,
) -> Result<Response, Failure> {
    found(&app, &person, form).await
}

async fn found(app: &App, person: &SignedIn, form: SearchForm) -> Result<Response, Failure> {
    let found = open_chart::find(app, &person.0.actor, &form.name, form.page).await?;
    let may_admit = matches!(person.0.actor.role(), Some(Role::Nurse | Role::Coordinator));
    let may_take = matches!(person.0.actor.role(), Some(Role::Nurse | Role::Physician));
    let frame = Frame::of(person, "Patients", "/patients");
    respond::page(&PatientsPage { frame, may_admit, may_take, name: form.name, found })
}

/// What the admission form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AdmissionForm {
    given_name: String,
    family_name: String,
    date_of_birth: String,
    phone: String,
    language: String,
    time_zone: String,
    call_code: String,
    nurse: String,
    programme: String,
    allergies: String,
    medications: String,
    comfort_only_plan: String,
    actively_dying: String,
    home_oxygen: String,
}

#[derive(Template)]
#[template(path = "patient_new.html")]
struct AdmissionPage {
    frame: Frame,
    form: AdmissionForm,
    faults: Faults,
    languages: [Language; 2],
    nurses: Vec<(String, String)>,
}

/// How the flow names each field of the form.
const FIELDS: &[(&str, &str)] = &[
    ("given name", "given_name"),
    ("family name", "family_name"),
    ("date of birth", "date_of_birth"),
    ("telephone", "phone"),
    ("language", "language"),
    ("time zone", "time_zone"),
    ("call code", "call_code"),
];

/// `GET /patients/new`.
///
/// # Errors
/// When the choices cannot be read.
pub async fn admission(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let zone = crate::flows::open_worklist::zone(&app, &person.0.actor).await?;
    let form = AdmissionForm { time_zone: zone.name().to_owned(), ..AdmissionForm::default() };
    respond::page(&admission_page(&app, &person, form, Faults::default()).await?)
}

/// `POST /patients/new`: on to the chart, or the form again with each fault at its field.
///
/// # Errors
/// When the database is away.
pub async fn admit(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<AdmissionForm>,
) -> Result<Response, Failure> {
    match admit_patient::admit(&app, &person.0.actor, form.read()).await {
        Ok(id) => Ok(Redirect::to(&format!("/patients/{id}")).into_response()),
        Err(Error::Invalid(text)) => {
            let page = admission_page(&app, &person, form, Faults::read(&text, FIELDS)).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn admission_page(
    app: &App,
    person: &SignedIn,
    form: AdmissionForm,
    faults: Faults,
) -> Result<AdmissionPage, Error> {
    let nurses = open_planning::nurses(app, &person.0.actor).await?;
    Ok(AdmissionPage {
        frame: Frame::of(person, "Admit a patient", "/patients"),
        form,
        faults,
        languages: [Language::English, Language::Spanish],
        nurses: nurses.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
    })
}

impl AdmissionForm {
    fn read(&self) -> NewPatient {
        NewPatient {
            given_name: self.given_name.clone().into(),
            family_name: self.family_name.clone().into(),
            date_of_birth: self.date_of_birth.clone().into(),
            phone: self.phone.clone().into(),
            language: self.language.clone(),
            time_zone: self.time_zone.clone(),
            call_code: self.call_code.clone().into(),
            nurse: self.nurse.parse::<StaffId>().ok(),
            team: None,
            programme: self.programme.clone(),
            allergies: self.allergies.clone().into(),
            medications: self.medications.clone().into(),
            facts: ChartFacts {
                comfort_only_plan: known(&self.comfort_only_plan),
                actively_dying: known(&self.actively_dying),
                home_oxygen: known(&self.home_oxygen),
            },
        }
    }
}

/// A fact as typed: nothing chosen is "not known", never "no".
fn known(typed: &str) -> Option<bool> {
    match typed {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}
