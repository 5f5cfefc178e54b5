//! Urgent access: the form for nurses and physicians, the review queue for coordinators and admins, and the banner that every
//! page of such a chart wears.

use super::{Frame, assets, faults::Faults, icons, words};
use crate::{
    app::App,
    domain::{
        ids::BreakGlassId,
        people::Role,
        reach::{UrgentAccess, UrgentFinding, UrgentReason},
    },
    error::Error,
    flows::{
        break_glass::{self, Wanted},
        open_worklist,
        review_break_glass::{self, Queue},
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

/// What the banner says on every page of a chart that is open by urgent access.
pub struct Banner {
    /// The urgent access.
    pub id: BreakGlassId,
    /// Until when, on the organization's clock.
    pub until: String,
}

impl Banner {
    /// The banner, if that is how the reader is here.
    #[must_use]
    pub fn of(urgent: Option<UrgentAccess>, zone: &Tz) -> Option<Self> {
        urgent.map(|urgent| Self { id: urgent.id, until: words::time(&urgent.ends_at, zone) })
    }
}

/// What the form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct UrgentForm {
    family_name: String,
    date_of_birth: String,
    given_name: String,
    reason: String,
    words: String,
}

/// What a reviewer found.
#[derive(Deserialize)]
pub struct FindingForm {
    finding: String,
}

#[derive(Template)]
#[template(path = "break_glass.html")]
struct UrgentPage {
    frame: Frame,
    queue: Queue,
    zone: Tz,
    may_take: bool,
    form: UrgentForm,
    faults: Faults,
}

/// `GET /break-glass`.
///
/// # Errors
/// When the queue cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, UrgentForm::default(), Faults::default()).await?)
}

/// `POST /break-glass`: on to the chart, or the form again with each fault at its field.
///
/// # Errors
/// When the database is away, or the record cannot be written: then there is no access.
pub async fn begin(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<UrgentForm>,
) -> Result<Response, Failure> {
    match break_glass::begin(&app, &person.0.actor, form.read()).await {
        Ok(patient) => Ok(Redirect::to(&format!("/patients/{patient}")).into_response()),
        Err(Error::Invalid(text)) => {
            let faults = Faults::read(&text, FIELDS);
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &read(&app, &person, form, faults).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /break-glass/{id}/end`.
///
/// # Errors
/// `NotFound` for one that is not the person's own.
pub async fn end(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<BreakGlassId>,
) -> Result<Redirect, Failure> {
    let _patient = break_glass::give_back(&app, &person.0.actor, id).await?;
    Ok(Redirect::to("/break-glass"))
}

/// `POST /break-glass/{id}/review`.
///
/// # Errors
/// `Conflict` when it was reviewed before, `NotFound` outside the reviewer's teams.
pub async fn review(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<BreakGlassId>,
    Form(form): Form<FindingForm>,
) -> Result<Redirect, Failure> {
    let finding = UrgentFinding::from_word(&form.finding)
        .ok_or_else(|| Error::Invalid("Choose whether it was justified.".to_owned()))?;
    review_break_glass::review(&app, &person.0.actor, id, finding).await?;
    Ok(Redirect::to("/break-glass"))
}

/// How the flow names each field of the form.
const FIELDS: &[(&str, &str)] = &[
    ("family name", "family_name"),
    ("date of birth", "date_of_birth"),
    ("given name", "given_name"),
    ("reason", "reason"),
    ("in words", "words"),
];

async fn read(app: &App, person: &SignedIn, form: UrgentForm, faults: Faults) -> Result<UrgentPage, Error> {
    let actor = &person.0.actor;
    let queue = review_break_glass::queue(app, actor).await?;
    let zone = open_worklist::zone(app, actor).await?;
    let may_take = matches!(actor.role(), Some(Role::Nurse | Role::Physician));
    Ok(UrgentPage { frame: Frame::of(person, "Urgent access", "/break-glass"), queue, zone, may_take, form, faults })
}

impl UrgentForm {
    fn read(&self) -> Wanted {
        Wanted {
            family_name: self.family_name.clone().into(),
            date_of_birth: self.date_of_birth.clone().into(),
            given_name: self.given_name.clone().into(),
            reason: self.reason.clone(),
            words: self.words.clone().into(),
        }
    }
}
