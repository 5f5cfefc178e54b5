//! Staff as an admin looks after them: teams, rights, closing a login, asking for a further admin.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{
        approval::Right,
        ids::{StaffId, TeamId},
        line::ReachedBy,
        people::Role,
    },
    error::Error,
    flows::{
        approvals,
        look_after_staff::{self, Change, House, Member},
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
use serde::Deserialize;
use std::sync::Arc;

/// One change as a form sends it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ChangeForm {
    change: String,
    team: String,
}

/// A new team.
#[derive(Deserialize)]
pub struct TeamForm {
    name: String,
}

#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage {
    frame: Frame,
    house: House,
    me: Option<StaffId>,
    fault: Option<String>,
}

/// `GET /staff`.
///
/// # Errors
/// When the list cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, None).await?)
}

/// `POST /staff/teams`: a new care team.
///
/// # Errors
/// When the database is away.
pub async fn add_team(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<TeamForm>,
) -> Result<Response, Failure> {
    let done = look_after_staff::add_team(&app, &person.0.actor, &form.name).await;
    answered(&app, &person, done.map(drop)).await
}

/// `POST /staff/{id}`: one change of a login.
///
/// # Errors
/// `NotFound` for nobody here.
pub async fn change(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<StaffId>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Failure> {
    let done = match form.read() {
        Ok(change) => look_after_staff::change(&app, &person.0.actor, id, change).await,
        Err(error) => Err(error),
    };
    answered(&app, &person, done).await
}

/// `POST /staff/{id}/admin-role`: asks a second admin.
///
/// # Errors
/// `NotFound` for nobody here.
pub async fn ask_for_admin(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<StaffId>,
) -> Result<Response, Failure> {
    let asked = approvals::ask_for_admin(&app, &person.0.actor, id).await;
    answered(&app, &person, asked.map(drop)).await
}

async fn answered(app: &App, person: &SignedIn, done: Result<(), Error>) -> Result<Response, Failure> {
    match done {
        Ok(()) => Ok(Redirect::to("/staff").into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            let page = read(app, person, Some(respond::words_of(&error))).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(app: &App, person: &SignedIn, fault: Option<String>) -> Result<StaffPage, Error> {
    let house = look_after_staff::list(app, &person.0.actor).await?;
    Ok(StaffPage { frame: Frame::of(person, "Staff", "/staff"), house, me: person.0.actor.staff_id(), fault })
}

impl ChangeForm {
    fn read(&self) -> Result<Change, Error> {
        let team =
            || self.team.parse::<TeamId>().map_err(|_| Error::Invalid("Choose a team from the list.".to_owned()));
        match self.change.as_str() {
            "join" => Ok(Change::Join(team()?)),
            "leave" => Ok(Change::Leave(team()?)),
            "grant" => Ok(Change::Grant(Right::ClinicalLead)),
            "revoke" => Ok(Change::Revoke(Right::ClinicalLead)),
            "telephone" => Ok(Change::Reach(ReachedBy::Telephone)),
            "browser" => Ok(Change::Reach(ReachedBy::Browser)),
            "deactivate" => Ok(Change::Deactivate),
            _ => Err(Error::Invalid("Choose what to change from the list.".to_owned())),
        }
    }
}

impl StaffPage {
    /// Teams a member does not serve yet.
    fn others(&self, member: &Member) -> Vec<(TeamId, String)> {
        let all = self.house.teams.iter().map(|team| (team.id, team.name.clone()));
        all.filter(|(id, _)| !member.teams.iter().any(|(served, _)| served == id)).collect()
    }

    fn is_me(&self, member: &Member) -> bool {
        self.me == Some(member.id)
    }
}

fn may_lead(member: &Member) -> bool {
    matches!(member.role, Role::Nurse | Role::Physician)
}
