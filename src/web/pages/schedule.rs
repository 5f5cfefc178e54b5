//! Planning a call, or ringing now. Times are typed on the patient's own clock.

use super::{Frame, assets, break_glass::Banner, icons, words};
use crate::{
    app::App,
    domain::{
        call::{CallManner, CallPurpose},
        ids::{CallId, PatientId, StaffId},
        matching::Match,
    },
    error::Error,
    flows::{
        open_planning::{self, Planning},
        schedule_call::{self, Clashes, NewCall, OnClash, Scheduled},
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
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PlanForm {
    idem_key: String,
    purpose: String,
    manner: String,
    protocol: String,
    nurse: String,
    due: String,
    when: String,
    accept: String,
}

impl PlanForm {
    /// What was seen when clashes were accepted: another time or nurse asks anew.
    fn seen(&self) -> String {
        format!("{} {}", self.due, self.nurse)
    }
}

#[derive(Template)]
#[template(path = "schedule.html")]
struct SchedulePage {
    frame: Frame,
    patient: PatientId,
    name: String,
    their_time: String,
    their_zone: &'static str,
    purposes: [CallPurpose; 4],
    manners: [CallManner; 3],
    protocols: Vec<(String, String)>,
    nurses: Vec<(String, String)>,
    form: PlanForm,
    fault: Option<String>,
    due_fault: Option<String>,
    banner: Option<Banner>,
    fits: Vec<Match>,
    clashes: Clashes,
    zone: Tz,
    now: DateTime<Utc>,
}

/// What is wrong with a form: at the time's field, above the whole, or other calls in the way.
enum Wrong {
    Due(String),
    Whole(String),
    Clashes(Clashes),
}

/// `GET /patients/{id}/calls/new`.
///
/// # Errors
/// `NotFound` for a patient of nobody's or another organization.
pub async fn form(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
) -> Result<Response, Failure> {
    let planning = open_planning::open(&app, &person.0.actor, patient).await?;
    let now = app.clock.now();
    let fits = open_planning::fits(&app, &person.0.actor, patient, now).await?;
    let best = fits.iter().find(|found| found.is_fit()).map(|found| found.nurse);
    let form = PlanForm {
        idem_key: CallId::at(now).to_string(),
        purpose: CallPurpose::CheckIn.word().to_owned(),
        nurse: best.map(|nurse| nurse.to_string()).unwrap_or_default(),
        ..PlanForm::default()
    };
    respond::page(&render(&person, patient, &planning, form, now, None, fits))
}

/// `POST /patients/{id}/calls/new`: plans it and opens its page; posting one form twice is one call.
///
/// # Errors
/// When the database is away.
pub async fn plan(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
    Form(form): Form<PlanForm>,
) -> Result<Response, Failure> {
    let planning = open_planning::open(&app, &person.0.actor, patient).await?;
    let now = app.clock.now();
    let (at, wrong) = match read(&form, &planning, patient, person.0.actor.staff_id(), now) {
        Ok(new) if form.when == "look" => (new.due_at, None),
        Ok(new) => match (new.due_at, schedule_call::schedule(&app, &person.0.actor, new).await) {
            (_, Ok(Scheduled::Planned(call))) => return Ok(Redirect::to(&format!("/calls/{call}")).into_response()),
            (at, Ok(Scheduled::Clashes(clashes))) => (at, Some(Wrong::Clashes(clashes))),
            (at, Err(error @ (Error::Invalid(_) | Error::Conflict(_)))) => {
                (at, Some(Wrong::Due(respond::words_of(&error))))
            }
            (_, Err(error)) => return Err(error.into()),
        },
        Err(wrong) => (now, Some(wrong)),
    };
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let fits = open_planning::fits(&app, &person.0.actor, patient, at).await?;
    respond::page_with(status, &render(&person, patient, &planning, form, now, wrong, fits))
}

fn read(
    form: &PlanForm,
    planning: &Planning,
    patient: PatientId,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<NewCall, Wrong> {
    let missing = |what: &str| Wrong::Whole(format!("Choose {what} from the list."));
    let purpose = CallPurpose::from_word(&form.purpose).ok_or_else(|| missing("why the patient is called"))?;
    let manner = CallManner::from_word(&form.manner).unwrap_or_default();
    let known = planning.protocols.iter().any(|(id, _)| *id == form.protocol);
    let protocol = known.then(|| form.protocol.clone()).ok_or_else(|| missing("a protocol"))?;
    let nurse = match form.nurse.as_str() {
        "" => None,
        text => Some(text.parse::<StaffId>().map_err(|_| missing("a nurse"))?),
    };
    if nurse.is_some_and(|nurse| !planning.nurses.iter().any(|(id, _)| *id == nurse)) {
        return Err(missing("a nurse"));
    }
    let due_at = if form.when == "now" { now } else { instant(&form.due, planning.zone).map_err(Wrong::Due)? };
    if form.idem_key.is_empty() || form.idem_key.len() > 80 {
        return Err(Wrong::Whole("Open this form again before you send it.".to_owned()));
    }
    let by = by.map(|by| by.to_string()).unwrap_or_default();
    let idem_key = format!("form:{by}:{}", form.idem_key);
    let clashes = if form.accept == form.seen() { OnClash::Accept } else { OnClash::Ask };
    Ok(NewCall { patient, purpose, manner, protocol, nurse, due_at, idem_key, clashes })
}

/// The instant of a local time. One that a clock change repeats means the later, so nobody is rung early.
pub(super) fn instant(text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .ok_or_else(|| "Choose a day and a time, or press “Ring now”.".to_owned())?;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => Ok(at.with_timezone(&Utc)),
        LocalResult::None => Err("The clocks change over this time; choose another.".to_owned()),
    }
}

fn render(
    person: &SignedIn,
    patient: PatientId,
    planning: &Planning,
    form: PlanForm,
    now: DateTime<Utc>,
    wrong: Option<Wrong>,
    fits: Vec<Match>,
) -> SchedulePage {
    let (fault, due_fault, clashes) = match wrong {
        None => (None, None, Clashes::default()),
        Some(Wrong::Due(text)) => (None, Some(text), Clashes::default()),
        Some(Wrong::Whole(text)) => (Some(text), None, Clashes::default()),
        Some(Wrong::Clashes(clashes)) => (None, None, clashes),
    };
    SchedulePage {
        frame: Frame::of(person, "Plan a call", "/patients"),
        patient,
        name: planning.patient_name.reveal().clone(),
        their_time: words::time(&now, &planning.zone),
        their_zone: planning.zone.name(),
        purposes: CallPurpose::PLANNED,
        manners: CallManner::ALL,
        protocols: planning.protocols.clone(),
        nurses: planning.nurses.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
        form,
        fault,
        due_fault,
        banner: Banner::of(planning.urgent, &planning.zone),
        fits,
        clashes,
        zone: planning.zone,
        now,
    }
}
