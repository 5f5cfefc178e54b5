//! One patient's chart: who they are, who may be spoken with, what is planned, owed and was found.

use super::{Frame, assets, break_glass::Banner, esas::EsasTable, faults::Faults, icons, words};
use crate::{
    app::App,
    domain::{
        call::CallState,
        consent::{Consent, ConsentAnswer, ConsentChannel, ConsentPurpose},
        ids::{ContactId, PatientId, TeamId},
        people::{PatientStatus, Role},
    },
    error::Error,
    flows::{
        admit_patient::{self, NewConsent, NewContact},
        hand_over_patient,
        open_chart::{self, Chart},
        open_worklist,
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the form for a contact sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ContactForm {
    full_name: String,
    relation: String,
    phone: String,
    call_code: String,
}

/// What the form for a consent sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ConsentForm {
    contact: String,
    purpose: String,
    channel: String,
    answer: String,
    evidence: String,
    back: String,
}

#[derive(Template)]
#[template(path = "chart.html")]
struct ChartPage {
    frame: Frame,
    chart: Chart,
    zone: Tz,
    may_write: bool,
    may_report: bool,
    may_call: bool,
    banner: Option<Banner>,
    contact: ContactForm,
    consent: ConsentForm,
    contact_faults: Faults,
    consent_faults: Faults,
    document_fault: Option<String>,
}

/// What came back with faults.
#[derive(Default)]
struct Returned {
    contact: Option<(ContactForm, Faults)>,
    consent: Option<(ConsentForm, Faults)>,
    document: Option<String>,
}

/// The chart again, with what is wrong with a document.
///
/// # Errors
/// `NotFound` for a patient the reader does not reach.
pub(super) async fn with_document_fault(
    app: &App,
    person: &SignedIn,
    id: PatientId,
    text: &str,
) -> Result<Response, Failure> {
    let fault = respond::words_of(&Error::Invalid(text.trim_start_matches("document: ").to_owned()));
    let returned = Returned { document: Some(fault), ..Returned::default() };
    respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &read(app, person, id, returned).await?)
}

/// `GET /patients/{id}`.
///
/// # Errors
/// `NotFound` for a patient of nobody's or another organization.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, id, Returned::default()).await?)
}

/// `POST /patients/{id}/contacts`.
///
/// # Errors
/// When the database is away or the patient is not of this organization.
pub async fn add_contact(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<ContactForm>,
) -> Result<Response, Failure> {
    let new = NewContact {
        full_name: form.full_name.clone().into(),
        relation: form.relation.clone().into(),
        phone: form.phone.clone().into(),
        call_code: form.call_code.clone().into(),
    };
    match admit_patient::add_contact(&app, &person.0.actor, id, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/patients/{id}")).into_response()),
        Err(Error::Invalid(text)) => {
            let fields = [
                ("full name", "full_name"),
                ("relation", "relation"),
                ("telephone", "phone"),
                ("call code", "call_code"),
            ];
            let returned = Returned { contact: Some((form, Faults::read(&text, &fields))), ..Returned::default() };
            let page = read(&app, &person, id, returned).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /patients/{id}/consents`.
///
/// # Errors
/// When the database is away or the patient is not of this organization.
pub async fn record_consent(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<ConsentForm>,
) -> Result<Response, Failure> {
    let recorded = match form.read() {
        Ok(new) => admit_patient::record_consent(&app, &person.0.actor, id, new).await,
        Err(error) => Err(error),
    };
    match recorded {
        Ok(_) if form.back == "standing" => Ok(Redirect::to(&format!("/patients/{id}/standing")).into_response()),
        Ok(_) => Ok(Redirect::to(&format!("/patients/{id}")).into_response()),
        Err(Error::Invalid(text)) => {
            let faults = Faults::read(&text, &[("evidence", "evidence")]);
            let returned = Returned { consent: Some((form, faults)), ..Returned::default() };
            let page = read(&app, &person, id, returned).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(app: &App, person: &SignedIn, id: PatientId, returned: Returned) -> Result<ChartPage, Error> {
    let chart = open_chart::open(app, &person.0.actor, id).await?;
    let zone = open_worklist::zone(app, &person.0.actor).await?;
    let title = format!("{} {}", chart.patient.given_name.reveal(), chart.patient.family_name.reveal());
    let role = person.0.actor.role();
    let (contact, contact_faults) = returned.contact.unwrap_or_default();
    let (consent, consent_faults) = returned.consent.unwrap_or_default();
    Ok(ChartPage {
        frame: Frame::of(person, title, "/patients"),
        may_write: matches!(role, Some(Role::Nurse | Role::Coordinator)) && chart.urgent.is_none(),
        may_call: matches!(role, Some(Role::Nurse | Role::Coordinator | Role::Physician)),
        banner: Banner::of(chart.urgent, &zone),
        chart,
        zone,
        may_report: person.0.actor.role() == Some(Role::Coordinator),
        contact,
        consent,
        contact_faults,
        consent_faults,
        document_fault: returned.document,
    })
}

impl ChartPage {
    /// The numbers of the ESAS-r as a table: the columns are assessments, latest first, the rows items in the form's order.
    fn esas(&self) -> Option<EsasTable> {
        EsasTable::of(&self.chart.esas)
    }
}

impl ConsentForm {
    fn read(&self) -> Result<NewConsent, Error> {
        let unread = |what: &str| Error::Invalid(format!("choose {what} from the list"));
        let contact = match self.contact.as_str() {
            "" => None,
            text => Some(text.parse::<ContactId>().map_err(|_| unread("whom it is about"))?),
        };
        Ok(NewConsent {
            contact,
            purpose: ConsentPurpose::from_word(&self.purpose).ok_or_else(|| unread("what for"))?,
            channel: ConsentChannel::from_word(&self.channel).ok_or_else(|| unread("by which way"))?,
            answer: match self.answer.as_str() {
                "given" => ConsentAnswer::Given,
                "refused" => ConsentAnswer::Refused,
                _ => return Err(unread("whether it was given")),
            },
            evidence: self.evidence.clone().into(),
        })
    }
}

/// The team a patient is handed to.
#[derive(Deserialize)]
pub struct TeamForm {
    team: TeamId,
}

/// `POST /patients/{id}/team`: hands the patient to another team the coordinator serves.
///
/// # Errors
/// `NotFound` for a patient out of reach or a team they do not serve.
pub async fn hand_over(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<TeamForm>,
) -> Result<Redirect, Failure> {
    hand_over_patient::hand_over(&app, &person.0.actor, id, form.team).await?;
    Ok(Redirect::to(&format!("/patients/{id}")))
}

impl ChartPage {
    fn whose(&self, consent: &Consent) -> String {
        match consent.contact {
            None => "The patient".to_owned(),
            Some(id) => self
                .chart
                .contacts
                .iter()
                .find(|contact| contact.id == id)
                .map_or_else(|| "A contact".to_owned(), |contact| contact.full_name.reveal().clone()),
        }
    }
}
