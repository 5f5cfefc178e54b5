//! Finds patients and opens a chart. Both are in the record before anything is read.

pub use crate::store::{
    chart::{ChartAssessment, ChartCall, ChartFollowUp},
    check_ins::EsasValue,
    files::KeptFile,
    people::{PatientLine, Remarks},
    teams::Team,
};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        consent::Consent,
        ids::PatientId,
        people::{Actor, Contact, Patient, Role, Who},
        reach::UrgentAccess,
    },
    error::Error,
    store::{audit, chart, check_ins, files, people, teams},
};
use chrono::{DateTime, Utc};

/// Lines on one page of a search.
const ON_A_PAGE: u32 = 50;
/// The last page there is; whoever looks further narrows the search.
const LAST_PAGE: u32 = 200;
/// How many assessments with the ESAS-r stand side by side.
const ESAS_SHOWN: i64 = 6;
/// Most characters of a query that are read.
const LONGEST_QUERY: usize = 100;

/// One page of a patient search.
#[derive(Clone)]
pub struct PatientList {
    /// The patients, by name.
    pub patients: Vec<PatientLine>,
    /// Which page this is, from 0.
    pub page: u32,
    /// Whether another page follows.
    pub more: bool,
}

/// Everything a chart shows.
#[derive(Clone)]
pub struct Chart {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The person.
    pub patient: Patient,
    /// Programme, allergies, medicines.
    pub remarks: Remarks,
    /// Family and caregivers.
    pub contacts: Vec<Contact>,
    /// The consents in force.
    pub consents: Vec<Consent>,
    /// Calls still to come or under way, first due first.
    pub upcoming_calls: Vec<ChartCall>,
    /// Calls that are over, latest first.
    pub past_calls: Vec<ChartCall>,
    /// Open work, first due first.
    pub follow_ups: Vec<ChartFollowUp>,
    /// Assessments, latest first.
    pub assessments: Vec<ChartAssessment>,
    /// The numbers of the ESAS-r over time, latest first.
    pub esas: Vec<EsasValue>,
    /// The care team that serves the patient.
    pub team: Option<Team>,
    /// Teams a coordinator who reads may hand the patient to.
    pub hand_over_to: Vec<Team>,
    /// The urgent access by which the reader is here.
    pub urgent: Option<UrgentAccess>,
    /// Documents, newest first.
    pub documents: Vec<KeptFile>,
}

/// Patients whose given or family name begins with each word of `query`; an empty query is everybody. Pages count from 0.
///
/// # Errors
/// `Forbidden` for whoever does not care for patients.
pub async fn find(app: &App, actor: &Actor, query: &str, page: u32) -> Result<PatientList, Error> {
    permit(actor)?;
    let page = page.min(LAST_PAGE);
    let query: String = query.chars().take(LONGEST_QUERY).collect();
    let mut tx = app.db.begin(actor).await?;
    // What was typed may be a name, so only its length is in the record.
    let deed = Deed::of(DeedKind::SearchedPatients).with("page", page).with("typed", query.chars().count());
    let receipt = audit::record(&mut tx, actor, &deed, app.clock.now()).await?;
    let most = i64::from(ON_A_PAGE) + 1;
    let skip = i64::from(page) * i64::from(ON_A_PAGE);
    let mut patients = people::find(&mut tx, &receipt, &query, most, skip).await?;
    tx.commit().await?;
    let fits = usize::try_from(ON_A_PAGE).unwrap_or(usize::MAX);
    let more = patients.len() > fits && page < LAST_PAGE;
    patients.truncate(fits);
    Ok(PatientList { patients, page, more })
}

/// Opens one chart.
///
/// # Errors
/// `Forbidden` for whoever does not care for patients; `NotFound` when there is no such patient in this organization.
pub async fn open(app: &App, actor: &Actor, patient: PatientId) -> Result<Chart, Error> {
    permit(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedChart, now).await?;
    let patient = people::patient(&mut tx, &receipt).await?;
    let remarks = people::remarks(&mut tx, &receipt).await?;
    let contacts = people::contacts(&mut tx, &receipt).await?;
    let consents = people::consents_in_force(&mut tx, &receipt).await?;
    let calls = chart::calls(&mut tx, &receipt).await?;
    let follow_ups = chart::open_follow_ups(&mut tx, &receipt).await?;
    let assessments = chart::assessments(&mut tx, &receipt).await?;
    let esas = check_ins::esas_values(&mut tx, &receipt, ESAS_SHOWN).await?;
    let team = teams::of_patient(&mut tx, receipt.patient()).await?;
    let mut hand_over_to = match actor.who {
        Who::Staff { id, role: Role::Coordinator, .. } => teams::served_by(&mut tx, id).await?,
        Who::Staff { .. } | Who::Operator | Who::Careline | Who::Carrier | Who::Visitor => Vec::new(),
    };
    hand_over_to.retain(|other| Some(other) != team.as_ref());
    let urgent = receipt.reach().urgent();
    let documents = files::of_chart(&mut tx, &receipt).await?;
    tx.commit().await?;
    let (past_calls, mut upcoming_calls): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.state.is_over());
    upcoming_calls.reverse();
    Ok(Chart {
        now,
        patient,
        remarks,
        contacts,
        consents,
        upcoming_calls,
        past_calls,
        follow_ups,
        assessments,
        esas,
        team,
        hand_over_to,
        urgent,
        documents,
    })
}

const fn permit(actor: &Actor) -> Result<(), Error> {
    match actor.who {
        Who::Staff { role: Role::Nurse | Role::Coordinator | Role::Physician, .. } => Ok(()),
        Who::Staff { role: Role::Admin | Role::Auditor, .. }
        | Who::Operator
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => Err(Error::Forbidden),
    }
}
