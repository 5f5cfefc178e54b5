//! Patients as JSON: search, chart, admission, contacts, consents. A search travels in a body, because it may be a name.

use super::Body;
use crate::{
    app::App,
    domain::{
        call::{CallPurpose, CallState},
        consent::{Consent, ConsentAnswer, ConsentChannel, ConsentPurpose},
        ids::{CallId, ConsentId, ContactId, PatientId, StaffId},
        people::{ChartFacts, Contact, Language, PatientStatus},
    },
    flows::{
        admit_patient::{self, NewConsent, NewContact, NewPatient},
        open_chart::{self, Chart, PatientLine},
    },
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
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is looked for.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct PatientSearch {
    /// The beginning of a given or family name; empty is everybody.
    #[serde(default)]
    name: String,
    /// Which page, from 0.
    #[serde(default)]
    page: u32,
}

/// One page of patients.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PatientPage {
    /// The patients, by name.
    patients: Vec<WirePatientLine>,
    /// Which page this is, from 0.
    page: u32,
    /// Whether another page follows.
    more: bool,
}

/// One patient of a list.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WirePatientLine {
    /// Their id.
    id: PatientId,
    /// Given name.
    given_name: String,
    /// Family name.
    family_name: String,
    /// Date of birth.
    date_of_birth: NaiveDate,
    /// Where the patient stands.
    status: PatientStatus,
}

/// A chart.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireChart {
    /// The patient.
    patient: WirePatientLine,
    /// E.164 number.
    phone: String,
    /// The language of the call script.
    language: Language,
    /// IANA time zone.
    time_zone: &'static str,
    /// The nurse who knows them.
    nurse: Option<StaffId>,
    /// Facts that protocols may read; null is not known.
    facts: ChartFacts,
    /// The programme of care.
    programme: String,
    /// Allergies, as written.
    allergies: String,
    /// Medicines, as written.
    medications: String,
    /// Family and caregivers.
    contacts: Vec<WireContact>,
    /// The consents in force.
    consents: Vec<WireConsent>,
    /// Calls to come and past.
    calls: Vec<WireChartCall>,
}

/// A family member or caregiver.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireContact {
    /// Their id.
    id: ContactId,
    /// Full name.
    full_name: String,
    /// What they are to the patient.
    relation: String,
    /// E.164 number.
    phone: String,
    /// Whether a consent in force lets them speak about the patient's health.
    may_discuss_health: bool,
}

/// A consent in force.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireConsent {
    /// Its id.
    id: ConsentId,
    /// Whom it is about; null is the patient.
    contact: Option<ContactId>,
    /// What for.
    purpose: ConsentPurpose,
    /// Which way.
    channel: ConsentChannel,
    /// Given or refused.
    answer: ConsentAnswer,
    /// How it is known.
    evidence: String,
    /// When it was recorded.
    at: DateTime<Utc>,
}

/// A call of the chart.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireChartCall {
    /// Its id.
    id: CallId,
    /// Why it is planned.
    purpose: CallPurpose,
    /// Where it stands.
    state: CallState,
    /// When it is or was due.
    due_at: DateTime<Utc>,
}

/// A patient to be admitted.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Admission {
    /// Given name.
    given_name: String,
    /// Family name.
    family_name: String,
    /// Date of birth, `YYYY-MM-DD`.
    date_of_birth: String,
    /// The number that is rung.
    phone: String,
    /// `en-US` or `es-US`.
    language: String,
    /// IANA time zone.
    time_zone: String,
    /// The four digits agreed at enrolment.
    call_code: String,
    /// The nurse who knows them.
    #[serde(default)]
    nurse: Option<StaffId>,
    /// The programme of care; empty is `general`.
    #[serde(default)]
    programme: String,
    /// Allergies.
    #[serde(default)]
    allergies: String,
    /// Medicines.
    #[serde(default)]
    medications: String,
    /// Facts that protocols may read.
    #[serde(default)]
    facts: ChartFacts,
}

/// A contact to be added.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct ContactToAdd {
    /// Full name.
    full_name: String,
    /// What they are to the patient.
    relation: String,
    /// Their own number.
    phone: String,
    /// Their own four digits.
    call_code: String,
}

/// A consent to be recorded.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct ConsentToRecord {
    /// Whom it is about; null is the patient.
    #[serde(default)]
    contact: Option<ContactId>,
    /// What for.
    purpose: ConsentPurpose,
    /// Which way.
    channel: ConsentChannel,
    /// Given or refused.
    answer: ConsentAnswer,
    /// How it is known.
    evidence: String,
}

/// The id of what was made.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Made {
    /// Its id.
    id: uuid::Uuid,
}

type Answered<T> = Result<Json<T>, Failure>;
type Created = Result<(StatusCode, Json<Made>), Failure>;

/// Finds patients.
///
/// # Errors
/// 403 for whoever does not care for patients.
#[utoipa::path(post, path = "/api/patients/search", tag = "patients", request_body = PatientSearch,
    responses((status = 200, body = PatientPage), (status = 403, body = Problem)))]
pub async fn search(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Body(body): Body<PatientSearch>,
) -> Answered<PatientPage> {
    let found = open_chart::find(&app, &person.actor, &body.name, body.page).await?;
    let patients = found.patients.into_iter().map(WirePatientLine::from).collect();
    Ok(Json(PatientPage { patients, page: found.page, more: found.more }))
}

/// Opens a chart.
///
/// # Errors
/// 404 when there is no such patient.
#[utoipa::path(get, path = "/api/patients/{id}", tag = "patients", params(("id" = PatientId, Path)),
    responses((status = 200, body = WireChart), (status = 404, body = Problem)))]
pub async fn chart(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<PatientId>,
) -> Answered<WireChart> {
    Ok(Json(open_chart::open(&app, &person.actor, id).await?.into()))
}

/// Admits a patient.
///
/// # Errors
/// 422 names every faulty field.
#[utoipa::path(post, path = "/api/patients", tag = "patients", request_body = Admission,
    responses((status = 201, body = Made), (status = 422, body = Problem)))]
pub async fn admit(State(app): State<Arc<App>>, SignedIn(person): SignedIn, Body(body): Body<Admission>) -> Created {
    let new = NewPatient {
        given_name: body.given_name.into(),
        family_name: body.family_name.into(),
        date_of_birth: body.date_of_birth.into(),
        phone: body.phone.into(),
        language: body.language,
        time_zone: body.time_zone,
        call_code: body.call_code.into(),
        nurse: body.nurse,
        team: None,
        programme: body.programme,
        allergies: body.allergies.into(),
        medications: body.medications.into(),
        facts: body.facts,
    };
    let id = admit_patient::admit(&app, &person.actor, new).await?.0;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// Adds a family member or caregiver.
///
/// # Errors
/// 422 names every faulty field, 404 when there is no such patient.
#[utoipa::path(post, path = "/api/patients/{id}/contacts", tag = "patients", params(("id" = PatientId, Path)),
    request_body = ContactToAdd,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn add_contact(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<PatientId>,
    Body(body): Body<ContactToAdd>,
) -> Created {
    let new = NewContact {
        full_name: body.full_name.into(),
        relation: body.relation.into(),
        phone: body.phone.into(),
        call_code: body.call_code.into(),
    };
    let id = admit_patient::add_contact(&app, &person.actor, id, new).await?.0;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// Records a consent, a refusal or a withdrawal.
///
/// # Errors
/// 422 without evidence, 404 when there is no such patient or contact.
#[utoipa::path(post, path = "/api/patients/{id}/consents", tag = "patients", params(("id" = PatientId, Path)),
    request_body = ConsentToRecord,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn record_consent(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<PatientId>,
    Body(body): Body<ConsentToRecord>,
) -> Created {
    let new = NewConsent {
        contact: body.contact,
        purpose: body.purpose,
        channel: body.channel,
        answer: body.answer,
        evidence: body.evidence.into(),
    };
    let id = admit_patient::record_consent(&app, &person.actor, id, new).await?.0;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

impl From<PatientLine> for WirePatientLine {
    fn from(line: PatientLine) -> Self {
        Self {
            id: line.id,
            given_name: line.given_name.into_revealed(),
            family_name: line.family_name.into_revealed(),
            date_of_birth: line.date_of_birth.into_revealed(),
            status: line.status,
        }
    }
}

impl From<Contact> for WireContact {
    fn from(contact: Contact) -> Self {
        Self {
            id: contact.id,
            full_name: contact.full_name.into_revealed(),
            relation: contact.relation.into_revealed(),
            phone: contact.phone.reveal().reveal().to_owned(),
            may_discuss_health: contact.may_discuss_health,
        }
    }
}

impl From<Consent> for WireConsent {
    fn from(consent: Consent) -> Self {
        Self {
            id: consent.id,
            contact: consent.contact,
            purpose: consent.purpose,
            channel: consent.channel,
            answer: consent.answer,
            evidence: consent.evidence.into_revealed(),
            at: consent.at,
        }
    }
}

impl From<Chart> for WireChart {
    fn from(chart: Chart) -> Self {
        let patient = chart.patient;
        let calls = chart.upcoming_calls.into_iter().chain(chart.past_calls);
        Self {
            phone: patient.phone.reveal().reveal().to_owned(),
            language: patient.language,
            time_zone: patient.time_zone.name(),
            nurse: patient.nurse,
            facts: patient.facts,
            patient: WirePatientLine {
                id: patient.id,
                given_name: patient.given_name.into_revealed(),
                family_name: patient.family_name.into_revealed(),
                date_of_birth: patient.date_of_birth.into_revealed(),
                status: patient.status,
            },
            programme: chart.remarks.programme,
            allergies: chart.remarks.allergies.into_revealed(),
            medications: chart.remarks.medications.into_revealed(),
            contacts: chart.contacts.into_iter().map(WireContact::from).collect(),
            consents: chart.consents.into_iter().map(WireConsent::from).collect(),
            calls: calls
                .map(|call| WireChartCall {
                    id: call.id,
                    purpose: call.purpose,
                    state: call.state,
                    due_at: call.due_at,
                })
                .collect(),
        }
    }
}
