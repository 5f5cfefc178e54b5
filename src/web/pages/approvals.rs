//! What takes two persons, and what of it waits for the reader.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{ids::ApprovalId, people::Role},
    error::Error,
    flows::{
        approvals::{self, Answer, ApprovalKind, ApprovalState, Listed, Request},
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
    response::{Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// An answer as the form sends it.
#[derive(Deserialize)]
pub struct AnswerForm {
    answer: String,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct ApprovalsPage {
    frame: Frame,
    list: Vec<Listed>,
    may_ask: bool,
    now: DateTime<Utc>,
    zone: Tz,
}

/// `GET /approvals`.
///
/// # Errors
/// When they cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let list = approvals::list(&app, &person.0.actor).await?;
    let zone = open_worklist::zone(&app, &person.0.actor).await?;
    let may_ask = matches!(person.0.actor.role(), Some(Role::Admin | Role::Auditor));
    let frame = Frame::of(&person, "Approvals", "/approvals");
    respond::page(&ApprovalsPage { frame, list, may_ask, now: app.clock.now(), zone })
}

/// `POST /approvals`: asks for one export of the record.
///
/// # Errors
/// `Conflict` when one waits already.
pub async fn ask_for_export(State(app): State<Arc<App>>, person: SignedIn) -> Result<Redirect, Failure> {
    approvals::ask_for_export(&app, &person.0.actor).await?;
    Ok(Redirect::to("/approvals"))
}

/// `POST /approvals/{id}`: approves or refuses.
///
/// # Errors
/// `Forbidden` for whoever asked or may not answer, `Conflict` when it was settled before.
pub async fn answer(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<ApprovalId>,
    Form(form): Form<AnswerForm>,
) -> Result<Redirect, Failure> {
    let answer = Answer::from_word(&form.answer)
        .ok_or_else(|| Error::Invalid("Choose whether you approve or refuse.".to_owned()))?;
    approvals::answer(&app, &person.0.actor, id, answer).await?;
    Ok(Redirect::to("/approvals"))
}

fn what(request: &Request) -> String {
    let who = request.staff_name.as_deref().unwrap_or("somebody");
    match (request.asked.kind, &request.asked.protocol) {
        (ApprovalKind::AdminRole, _) => format!("Make {who} an admin"),
        (ApprovalKind::RecordExport, _) => "Export the whole record once".to_owned(),
        (ApprovalKind::ProtocolUse, Some((protocol, version))) => format!("Use {} {version}", words::plain(protocol)),
        (ApprovalKind::ProtocolUse, None) => "Use a protocol".to_owned(),
    }
}

const fn state(state: ApprovalState) -> (&'static str, &'static str) {
    match state {
        ApprovalState::Open => ("amber", "waits"),
        ApprovalState::Granted => ("green", "approved"),
        ApprovalState::Refused => ("red", "refused"),
        ApprovalState::Used => ("green", "done"),
        ApprovalState::Lapsed => ("", "not used in time"),
    }
}

impl ApprovalsPage {
    fn waiting(&self) -> usize {
        self.list.iter().filter(|listed| listed.waits_for_me).count()
    }
}

fn fingerprint(request: &Request) -> String {
    hex::encode(&request.asked.sha256)
}
