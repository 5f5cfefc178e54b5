//! Who rang from a number that tells nobody, and by when they were promised to be rung back.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::ids::{CallerId, StaffId},
    error::Error,
    flows::{
        callers::{self, Caller},
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
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// Who it was.
#[derive(Deserialize)]
pub struct DoneForm {
    outcome: String,
}

/// What came back with a fault: the caller, the words typed, what is wrong.
struct Returned {
    id: CallerId,
    outcome: String,
    fault: String,
}

#[derive(Template)]
#[template(path = "callers.html")]
struct CallersPage {
    frame: Frame,
    list: Vec<Caller>,
    me: Option<StaffId>,
    now: DateTime<Utc>,
    zone: Tz,
    returned: Option<Returned>,
}

impl CallersPage {
    fn late(&self) -> usize {
        self.list.iter().filter(|caller| self.is_late(caller)).count()
    }

    fn is_late(&self, caller: &Caller) -> bool {
        caller.due_at < self.now
    }

    fn is_mine(&self, owner: &StaffId) -> bool {
        self.me.as_ref() == Some(owner)
    }

    fn returned(&self, id: &CallerId) -> Option<&Returned> {
        self.returned.as_ref().filter(|returned| returned.id == *id)
    }
}

/// `GET /callers`: everybody who waits.
///
/// # Errors
/// When the list cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, None).await?)
}

/// `POST /callers/{id}/done`: closes one; what was typed comes back when it cannot be closed.
///
/// # Errors
/// When the database is away or the caller is not of this organization.
pub async fn close(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallerId>,
    Form(form): Form<DoneForm>,
) -> Result<Response, Failure> {
    match callers::close(&app, &person.0.actor, id, &form.outcome).await {
        Ok(()) => Ok(Redirect::to("/callers").into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            let status = respond::status_of(&error);
            let returned = Returned { id, outcome: form.outcome, fault: respond::words_of(&error) };
            respond::page_with(status, &read(&app, &person, Some(returned)).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(app: &App, person: &SignedIn, returned: Option<Returned>) -> Result<CallersPage, Error> {
    let actor = &person.0.actor;
    let list = callers::list(app, actor).await?;
    let zone = open_worklist::zone(app, actor).await?;
    let frame = Frame::of(person, "Callers", "/callers");
    Ok(CallersPage { frame, list, me: actor.staff_id(), now: app.clock.now(), zone, returned })
}
