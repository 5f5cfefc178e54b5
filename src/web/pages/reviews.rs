//! A coordinator's reviews: what waits, and the form on the page of a call.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{ids::CallId, private::Private},
    error::Error,
    flows::{
        open_worklist,
        review_assessment::{self, ReviewFinding, Waiting},
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
    response::{Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the form on the page of a call sends.
#[derive(Deserialize)]
pub struct ReviewForm {
    finding: String,
    #[serde(default)]
    remark: String,
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct ReviewsPage {
    frame: Frame,
    waiting: Vec<Waiting>,
    now: DateTime<Utc>,
    zone: Tz,
}

/// `GET /reviews`.
///
/// # Errors
/// When the queue cannot be read.
pub async fn queue(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let waiting = review_assessment::queue(&app, &person.0.actor).await?;
    let zone = open_worklist::zone(&app, &person.0.actor).await?;
    respond::page(&ReviewsPage {
        frame: Frame::of(&person, "Reviews", "/reviews"),
        waiting,
        now: app.clock.now(),
        zone,
    })
}

/// `POST /calls/{id}/review`.
///
/// # Errors
/// `Conflict` while there is no signed assessment, `Invalid` without words where they are needed.
pub async fn review(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    Form(form): Form<ReviewForm>,
) -> Result<Redirect, Failure> {
    let finding = ReviewFinding::from_word(&form.finding)
        .ok_or_else(|| Error::Invalid("Choose what you found from the list.".to_owned()))?;
    review_assessment::review(&app, &person.0.actor, id, finding, Private::new(form.remark)).await?;
    Ok(Redirect::to(&format!("/calls/{id}#reviews")))
}
