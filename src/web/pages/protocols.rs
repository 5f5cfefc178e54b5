//! Protocols: every version with where it stands, its content word for word, and what the reader may do about it.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::people::Role,
    error::Error,
    flows::{
        approvals::{self, Answer, ApprovalState},
        open_worklist,
        use_protocol::{self, Listed},
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::{collections::BTreeMap, sync::Arc};

#[derive(Template)]
#[template(path = "protocols.html")]
struct ProtocolsPage {
    frame: Frame,
    list: Vec<Listed>,
    now: DateTime<Utc>,
    zone: Tz,
}

#[derive(Template)]
#[template(path = "protocol.html")]
struct ProtocolPage {
    frame: Frame,
    listed: Listed,
    files: BTreeMap<String, String>,
    is_admin: bool,
    now: DateTime<Utc>,
    zone: Tz,
}

/// `GET /protocols`.
///
/// # Errors
/// When they cannot be read.
pub async fn list(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let list = use_protocol::list(&app, &person.0.actor).await?;
    let zone = open_worklist::zone(&app, &person.0.actor).await?;
    let frame = Frame::of(&person, "Protocols", "/protocols");
    respond::page(&ProtocolsPage { frame, list, now: app.clock.now(), zone })
}

/// `GET /protocols/{protocol}/{version}`: every file of the package, as it is signed.
///
/// # Errors
/// `NotFound` when there is no such version.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((protocol, version)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (listed, files) = use_protocol::read(&app, &person.0.actor, &protocol, &version).await?;
    let zone = open_worklist::zone(&app, &person.0.actor).await?;
    let frame = Frame::of(&person, format!("{} {version}", words::plain(&protocol)), "/protocols");
    let is_admin = person.0.actor.role() == Some(Role::Admin);
    respond::page(&ProtocolPage { frame, listed, files, is_admin, now: app.clock.now(), zone })
}

/// `POST /protocols/{protocol}/{version}/submit`.
///
/// # Errors
/// `Conflict` when it waits already or is signed.
pub async fn submit(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((protocol, version)): Path<(String, String)>,
) -> Result<Redirect, Failure> {
    use_protocol::submit(&app, &person.0.actor, &protocol, &version).await?;
    Ok(Redirect::to(&format!("/protocols/{protocol}/{version}")))
}

/// `POST /protocols/{protocol}/{version}/sign`: a clinical lead approves exactly this content.
///
/// # Errors
/// `Forbidden` without the right, `Conflict` for a second signature or when it was not submitted.
pub async fn sign(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((protocol, version)): Path<(String, String)>,
) -> Result<Redirect, Failure> {
    let (listed, _) = use_protocol::read(&app, &person.0.actor, &protocol, &version).await?;
    let request = listed
        .request
        .ok_or_else(|| Error::Conflict("An admin must submit this version before it is signed.".to_owned()))?;
    approvals::answer(&app, &person.0.actor, request.asked.id, Answer::Approved).await?;
    Ok(Redirect::to(&format!("/protocols/{protocol}/{version}")))
}

/// `POST /protocols/{protocol}/{version}/activate`.
///
/// # Errors
/// `Conflict` when two clinical leads have not signed exactly this content.
pub async fn activate(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((protocol, version)): Path<(String, String)>,
) -> Result<Redirect, Failure> {
    use_protocol::activate(&app, &person.0.actor, &protocol, &version).await?;
    Ok(Redirect::to(&format!("/protocols/{protocol}/{version}")))
}

/// Where a version stands: the mark it wears and its words.
fn standing(listed: &Listed) -> (&'static str, String) {
    let signed = listed.request.as_ref().map_or(0, |request| request.approved.len());
    match (listed.version.is_in_use, listed.is_signed(), listed.request.as_ref().map(|request| request.state)) {
        (true, true, _) => ("green", "in use, signed".to_owned()),
        (true, false, _) => ("amber", "in use, sample, not signed".to_owned()),
        (false, true, _) => ("live", "signed, not in use".to_owned()),
        (false, false, Some(ApprovalState::Open)) => ("amber", format!("submitted, {signed} of 2 signatures")),
        (false, false, Some(ApprovalState::Refused)) => ("red", "refused".to_owned()),
        (false, false, _) => ("", "draft".to_owned()),
    }
}

fn fingerprint(listed: &Listed) -> String {
    hex::encode(&listed.version.sha256)
}

impl ProtocolPage {
    fn may_submit(&self) -> bool {
        let waits = self.listed.request.as_ref().is_some_and(|request| request.state == ApprovalState::Open);
        self.is_admin && !waits && !self.listed.is_signed()
    }

    fn may_activate(&self) -> bool {
        self.is_admin && self.listed.is_signed() && !self.listed.version.is_in_use
    }
}
