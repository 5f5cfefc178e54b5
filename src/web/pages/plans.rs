//! Care plans of a patient: made, changed, paused, gone on with, ended, and the next dates of a rule before it is kept.

use super::{Frame, assets, break_glass::Banner, faults::Faults, icons, words};
use crate::{
    app::App,
    domain::{
        call::{CallManner, CallPurpose},
        care_plan::{Cadence, CarePlan, PlanState},
        ids::{PatientId, PlanId, StaffId},
        people::Role,
        recurrence::Occurrence,
    },
    error::Error,
    flows::keep_care_plan::{self, Plans},
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
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// Rules that are chosen from a list; any other is written.
const USUAL: [(&str, &str); 6] = [
    ("FREQ=DAILY", "Every day"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Monday to Friday"),
    ("FREQ=WEEKLY;BYDAY=MO,TH", "Monday and Thursday"),
    ("FREQ=WEEKLY", "Every week"),
    ("FREQ=WEEKLY;INTERVAL=2", "Every two weeks"),
    ("FREQ=MONTHLY", "Every month"),
];
/// How long a due call may still be placed, in minutes.
const WINDOWS: [(i32, &str); 4] = [(60, "1 hour"), (120, "2 hours"), (240, "4 hours"), (480, "8 hours")];

/// What the form sends.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub struct PlanForm {
    plan: String,
    act: String,
    purpose: String,
    manner: String,
    protocol: String,
    nurse: String,
    usual: String,
    rule: String,
    starts_on: String,
    at: String,
    window: String,
    region: String,
}

#[derive(Template)]
#[template(path = "plans.html")]
struct PlansPage {
    frame: Frame,
    patient: PatientId,
    name: String,
    zone: Tz,
    now: DateTime<Utc>,
    plans: Vec<(CarePlan, String, Vec<Occurrence>)>,
    purposes: [CallPurpose; 4],
    manners: [CallManner; 3],
    protocols: Vec<(String, String)>,
    nurses: Vec<(String, String)>,
    form: PlanForm,
    faults: Faults,
    preview: Option<(String, Vec<Occurrence>)>,
    may_write: bool,
    region: String,
    banner: Option<Banner>,
}

impl PlansPage {
    /// Whether the form is about a plan that exists.
    fn changes(&self) -> bool {
        self.plans.iter().any(|(plan, _, _)| plan.id.to_string() == self.form.plan)
    }

    #[expect(clippy::ref_option, reason = "templates pass the fields they show by reference")]
    fn nurse_name(&self, nurse: &Option<StaffId>) -> &str {
        let wished = nurse.map(|nurse| nurse.to_string()).unwrap_or_default();
        self.nurses.iter().find(|(id, _)| *id == wished).map_or("whoever fits best", |(_, name)| name)
    }
}

/// `GET /patients/{id}/plans`.
///
/// # Errors
/// `NotFound` for a patient of nobody's or another organization.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
) -> Result<Response, Failure> {
    let plans = keep_care_plan::open(&app, &person.0.actor, patient).await?;
    let form = fresh(&plans);
    respond::page(&render(&person, patient, plans, form, Faults::default(), None))
}

/// `POST /patients/{id}/plans`: the button says what is done.
///
/// # Errors
/// `NotFound` for a patient or plan out of reach; `Forbidden` under urgent access.
pub async fn act(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
    Form(form): Form<PlanForm>,
) -> Result<Response, Failure> {
    let plans = keep_care_plan::open(&app, &person.0.actor, patient).await?;
    match done(&app, &person, patient, &plans, &form).await {
        Ok(Done::Kept) => Ok(Redirect::to(&format!("/patients/{patient}/plans")).into_response()),
        Ok(Done::Filled(form)) => respond::page(&render(&person, patient, plans, *form, Faults::default(), None)),
        Ok(Done::Seen(preview)) => {
            respond::page(&render(&person, patient, plans, form, Faults::default(), Some(preview)))
        }
        Err(Error::Invalid(text)) => {
            let fields = [
                ("rule", "rule"),
                ("protocol", "protocol"),
                ("time", "at"),
                ("window", "window"),
                ("first day", "starts_on"),
                ("region", "region"),
            ];
            let page = render(&person, patient, plans, form, Faults::read(&text, &fields), None);
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// What a button did.
enum Done {
    /// It is stored.
    Kept,
    /// The form holds a plan, to be changed.
    Filled(Box<PlanForm>),
    /// The dates of the rule as it stands in the form.
    Seen((String, Vec<Occurrence>)),
}

async fn done(app: &App, person: &SignedIn, patient: PatientId, plans: &Plans, form: &PlanForm) -> Result<Done, Error> {
    let actor = &person.0.actor;
    if plans.planning.urgent.is_some() {
        return Err(Error::Forbidden);
    }
    if form.act == "region" {
        return keep_care_plan::set_region(app, actor, patient, &form.region).await.map(|()| Done::Kept);
    }
    let id: PlanId =
        form.plan.parse().map_err(|_| Error::Invalid("open this form again before you send it".to_owned()))?;
    let known = plans.plans.iter().find(|(plan, _, _)| plan.id == id).map(|(plan, _, _)| plan);
    let state = match form.act.as_str() {
        "pause" => PlanState::Paused,
        "resume" => PlanState::Active,
        "end" => PlanState::Ended,
        "edit" => return known.map(|plan| Done::Filled(Box::new(filled(plan)))).ok_or(Error::NotFound),
        "preview" => {
            let cadence = read(form, plans)?;
            return keep_care_plan::preview(&cadence, plans.planning.zone, plans.now).map(Done::Seen);
        }
        "keep" => {
            let cadence = read(form, plans)?;
            return match known {
                Some(_) => keep_care_plan::change(app, actor, id, cadence).await.map(|_| Done::Kept),
                None => keep_care_plan::make(app, actor, patient, id, cadence).await.map(|_| Done::Kept),
            };
        }
        _ => return Err(Error::Invalid("press one of the buttons".to_owned())),
    };
    known.ok_or(Error::NotFound)?;
    keep_care_plan::set_state(app, actor, id, state).await.map(|_| Done::Kept)
}

fn read(form: &PlanForm, plans: &Plans) -> Result<Cadence, Error> {
    let missing = |what: &str| Error::Invalid(format!("choose {what} from the list"));
    let planning = &plans.planning;
    let nurse = match form.nurse.as_str() {
        "" => None,
        text => Some(text.parse::<StaffId>().map_err(|_| missing("a nurse"))?),
    };
    if nurse.is_some_and(|nurse| !planning.nurses.iter().any(|(id, _)| *id == nurse)) {
        return Err(missing("a nurse"));
    }
    if !planning.protocols.iter().any(|(id, _)| *id == form.protocol) {
        return Err(missing("a protocol"));
    }
    let starts_on = NaiveDate::parse_from_str(&form.starts_on, "%Y-%m-%d")
        .map_err(|_| Error::Invalid("first day: choose a day".to_owned()))?;
    let at = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(&form.at, format).ok());
    Ok(Cadence {
        purpose: CallPurpose::from_word(&form.purpose).ok_or_else(|| missing("why the patient is called"))?,
        manner: CallManner::from_word(&form.manner).unwrap_or_default(),
        protocol: form.protocol.clone(),
        nurse,
        rule: if form.usual.is_empty() { form.rule.clone() } else { form.usual.clone() },
        starts_on,
        at: at.ok_or_else(|| Error::Invalid("time: choose a time of day".to_owned()))?,
        window_minutes: form.window.parse().map_err(|_| missing("how long a call may still be placed"))?,
    })
}

/// An empty form for a new plan.
fn fresh(plans: &Plans) -> PlanForm {
    PlanForm {
        plan: PlanId::at(plans.now).to_string(),
        purpose: CallPurpose::CheckIn.word().to_owned(),
        usual: USUAL.first().map(|(rule, _)| (*rule).to_owned()).unwrap_or_default(),
        starts_on: plans.now.with_timezone(&plans.planning.zone).date_naive().to_string(),
        at: "10:00".to_owned(),
        window: "240".to_owned(),
        ..PlanForm::default()
    }
}

/// The form with a plan in it.
fn filled(plan: &CarePlan) -> PlanForm {
    let cadence = &plan.cadence;
    let usual = USUAL.iter().find(|(rule, _)| *rule == cadence.rule).map(|(rule, _)| (*rule).to_owned());
    PlanForm {
        plan: plan.id.to_string(),
        act: String::new(),
        purpose: cadence.purpose.word().to_owned(),
        manner: cadence.manner.word().to_owned(),
        protocol: cadence.protocol.clone(),
        nurse: cadence.nurse.map(|nurse| nurse.to_string()).unwrap_or_default(),
        rule: if usual.is_some() { String::new() } else { cadence.rule.clone() },
        usual: usual.unwrap_or_default(),
        starts_on: cadence.starts_on.to_string(),
        at: cadence.at.format("%H:%M").to_string(),
        window: cadence.window_minutes.to_string(),
        region: String::new(),
    }
}

fn render(
    person: &SignedIn,
    patient: PatientId,
    plans: Plans,
    form: PlanForm,
    faults: Faults,
    preview: Option<(String, Vec<Occurrence>)>,
) -> PlansPage {
    // The region has a form of its own; the form of a plan is then as if it had just been opened.
    let (form, region) = if form.act == "region" {
        (fresh(&plans), form.region)
    } else {
        (form, plans.region.clone().unwrap_or_default())
    };
    let planning = plans.planning;
    let may_write = matches!(person.0.actor.role(), Some(Role::Nurse | Role::Coordinator)) && planning.urgent.is_none();
    PlansPage {
        frame: Frame::of(person, "Care plans", "/patients"),
        patient,
        name: planning.patient_name.reveal().clone(),
        zone: planning.zone,
        now: plans.now,
        plans: plans.plans,
        purposes: CallPurpose::PLANNED,
        manners: CallManner::ALL,
        protocols: planning.protocols,
        nurses: planning.nurses.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
        form,
        faults,
        preview,
        may_write,
        region,
        banner: Banner::of(planning.urgent, &planning.zone),
    }
}
