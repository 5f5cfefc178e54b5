//! What an admin does about second factors of the organization: the rule, and the way back for who lost everything.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::ids::StaffId,
    error::Error,
    flows::second_factors::{self, FactorPolicy, Standing},
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
use serde::Deserialize;
use std::sync::Arc;

/// The rule somebody chose.
#[derive(Deserialize)]
pub struct PolicyForm {
    #[serde(default)]
    policy: String,
}

#[derive(Template)]
#[template(path = "colleagues.html")]
struct ColleaguesPage {
    frame: Frame,
    me: Option<StaffId>,
    required: bool,
    standings: Vec<Standing>,
    fault: Option<String>,
}

impl ColleaguesPage {
    fn is_me(&self, staff: &StaffId) -> bool {
        self.me.as_ref() == Some(staff)
    }
}

/// `GET /settings/factors`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&page(&app, &person, None).await?)
}

/// `POST /settings/factors/policy`.
///
/// # Errors
/// When the database is away.
pub async fn set_policy(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<PolicyForm>,
) -> Result<Response, Failure> {
    let chosen = FactorPolicy::from_word(&form.policy);
    let chosen = chosen.ok_or_else(|| Error::Invalid("choose one of the two rules".to_owned()));
    let saved = match chosen {
        Ok(policy) => second_factors::set_policy(&app, &person.0.actor, policy).await,
        Err(fault) => Err(fault),
    };
    back(&app, &person, saved).await
}

/// `POST /settings/factors/{id}/reset`.
///
/// # Errors
/// When the database is away or nobody of that id works here.
pub async fn reset(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<StaffId>,
) -> Result<Response, Failure> {
    let saved = second_factors::reset(&app, &person.0.actor, id).await;
    back(&app, &person, saved).await
}

async fn back(app: &App, person: &SignedIn, saved: Result<(), Error>) -> Result<Response, Failure> {
    match saved {
        Ok(()) => Ok(Redirect::to("/settings/factors").into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            let status: StatusCode = respond::status_of(&error);
            respond::page_with(status, &page(app, person, Some(respond::words_of(&error))).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(app: &App, person: &SignedIn, fault: Option<String>) -> Result<ColleaguesPage, Error> {
    let (policy, standings) = second_factors::list(app, &person.0.actor).await?;
    Ok(ColleaguesPage {
        frame: Frame::of(person, "Second factors of colleagues", "/settings/factors"),
        me: person.0.actor.staff_id(),
        required: policy == FactorPolicy::Required,
        standings,
        fault,
    })
}
