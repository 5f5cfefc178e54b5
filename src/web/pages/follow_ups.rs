//! The follow-up list: what is owed, to whom, by when; and the form that says what was done.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{
        follow_up::FollowUp,
        ids::{FollowUpId, StaffId},
    },
    error::Error,
    flows::{
        complete_follow_up,
        list_follow_ups::{self, Show},
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
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// Which follow-ups are shown.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Choice {
    whose: String,
}

/// What was done.
#[derive(Deserialize)]
pub struct DoneForm {
    outcome: String,
}

/// What came back with a fault: the follow-up, the words typed, what is wrong.
struct Returned {
    id: FollowUpId,
    outcome: String,
    fault: String,
}

#[derive(Template)]
#[template(path = "follow_ups.html")]
struct FollowUpsPage {
    frame: Frame,
    list: Vec<FollowUp>,
    mine: bool,
    me: Option<StaffId>,
    now: DateTime<Utc>,
    zone: Tz,
    returned: Option<Returned>,
}

impl FollowUpsPage {
    fn late(&self) -> usize {
        self.list.iter().filter(|owed| owed.is_overdue(self.now)).count()
    }

    fn is_mine(&self, owner: &StaffId) -> bool {
        self.me.as_ref() == Some(owner)
    }

    fn returned(&self, id: &FollowUpId) -> Option<&Returned> {
        self.returned.as_ref().filter(|returned| returned.id == *id)
    }
}

/// `GET /follow-ups`: everything open, or only the reader's own.
///
/// # Errors
/// When the list cannot be read.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Query(choice): Query<Choice>,
) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, &choice, None).await?)
}

/// `POST /follow-ups/{id}/done`: closes one; what was typed comes back when it cannot be closed.
///
/// # Errors
/// When the database is away or the follow-up is not of this organization.
pub async fn complete(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<FollowUpId>,
    Form(form): Form<DoneForm>,
) -> Result<Response, Failure> {
    match complete_follow_up::complete(&app, &person.0.actor, id, &form.outcome).await {
        Ok(()) => Ok(Redirect::to("/follow-ups").into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            let status = respond::status_of(&error);
            let returned = Returned { id, outcome: form.outcome, fault: respond::words_of(&error) };
            let page = read(&app, &person, &Choice::default(), Some(returned)).await?;
            respond::page_with(status, &page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(
    app: &App,
    person: &SignedIn,
    choice: &Choice,
    returned: Option<Returned>,
) -> Result<FollowUpsPage, Error> {
    let actor = &person.0.actor;
    let me = actor.staff_id();
    let mine = choice.whose == "mine";
    let which = me.filter(|_| mine).map_or(Show::Open, Show::OpenOf);
    let list = list_follow_ups::list(app, actor, which).await?;
    let zone = open_worklist::zone(app, actor).await?;
    let frame = Frame::of(person, "Follow-ups", "/follow-ups");
    Ok(FollowUpsPage { frame, list, mine, me, now: app.clock.now(), zone, returned })
}
