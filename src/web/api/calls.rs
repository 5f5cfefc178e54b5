//! Calls as JSON: plan, read, call off, hang up.

use super::{Body, DONE, idempotency_key};
use crate::{
    app::App,
    domain::{
        call::{CallManner, CallPurpose, CallState, Speaker},
        ids::{CallId, LegId, PatientId, StaffId, UtteranceId},
        transcript::Voice,
    },
    error::Error,
    flows::{
        cancel_call, end_call,
        open_call::{self, CallPage, StreamState},
        open_planning,
        schedule_call::{self, NewCall, OnClash, Scheduled},
    },
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A call to be planned.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// Whom it is for.
    patient: PatientId,
    /// Why.
    purpose: CallPurpose,
    /// Who asks: a nurse unless said otherwise.
    #[serde(default)]
    manner: CallManner,
    /// The protocol asked on it.
    protocol: String,
    /// The nurse planned for it; null is anybody on duty.
    #[serde(default)]
    nurse: Option<StaffId>,
    /// When it falls due; null rings now.
    #[serde(default)]
    due_at: Option<DateTime<Utc>>,
    /// Whether it is planned although the patient or the nurse has another call around that time.
    #[serde(default)]
    accept_clashes: bool,
}

/// A planned call.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PlannedCall {
    /// Its id.
    id: CallId,
}

/// One call with its legs, gaps and words.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireCall {
    /// Its id.
    id: CallId,
    /// Whom it is for.
    patient: PatientId,
    /// Their name.
    patient_name: String,
    /// Why it is planned.
    purpose: CallPurpose,
    /// The protocol asked on it.
    protocol: String,
    /// The nurse planned for it.
    nurse: Option<StaffId>,
    /// When it falls due.
    due_at: DateTime<Utc>,
    /// Where it stands.
    state: CallState,
    /// Why it ended or waits, a code.
    outcome: Option<String>,
    /// Attempts so far.
    attempts: i32,
    /// Who proved who they are.
    speaker: Option<Speaker>,
    /// Consent to record; null until asked.
    may_record: Option<bool>,
    /// When patient and nurse began to talk.
    bridged_at: Option<DateTime<Utc>>,
    /// When it was over.
    ended_at: Option<DateTime<Utc>>,
    /// Who is or was in the conference.
    legs: Vec<WireLeg>,
    /// Audio that never reached us.
    gaps: Vec<WireGap>,
    /// What was said.
    utterances: Vec<WireUtterance>,
}

/// One party in the conference.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireLeg {
    /// Its id.
    id: LegId,
    /// `patient`, `nurse`, or `guest`: somebody asked into the call.
    party: String,
    /// When it entered.
    joined_at: DateTime<Utc>,
    /// When it left.
    left_at: Option<DateTime<Utc>>,
    /// `none`, `asked`, `open`, `unheard` (somebody speaks and no words come) or `ended`.
    stream: &'static str,
}

/// Audio that never reached us.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireGap {
    /// `patient` or `nurse`.
    party: &'static str,
    /// When it began.
    from_at: DateTime<Utc>,
    /// When audio came again.
    to_at: DateTime<Utc>,
    /// Why, a code.
    reason: String,
}

/// One finished utterance.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WireUtterance {
    /// Its id.
    id: UtteranceId,
    /// Who spoke.
    speaker: Voice,
    /// The words as they stand: the newest correction, or what was heard; empty once they are erased.
    text: String,
    /// What was heard, where somebody has corrected it.
    heard: Option<String>,
    /// When they began.
    from_at: DateTime<Utc>,
    /// Words that could not be understood.
    lost_words: i32,
}

/// Plans a call, or rings now. The same `Idempotency-Key` twice is one call.
///
/// # Errors
/// 422 when the patient may not be rung then, 409 when it clashes with another call.
#[utoipa::path(post, path = "/api/calls", tag = "calls", request_body = Plan,
    params(("Idempotency-Key" = Option<String>, Header, description = "Two requests with one key are one call")),
    responses((status = 201, body = PlannedCall), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub async fn schedule(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    headers: HeaderMap,
    Body(body): Body<Plan>,
) -> Result<(StatusCode, Json<PlannedCall>), Failure> {
    let planning = open_planning::open(&app, &person.actor, body.patient).await?;
    if !planning.protocols.iter().any(|(id, _)| *id == body.protocol) {
        return Err(Error::Invalid("no protocol of that name is in use".to_owned()).into());
    }
    if body.nurse.is_some_and(|nurse| !planning.nurses.iter().any(|(id, _)| *id == nurse)) {
        return Err(Error::Invalid("no active nurse of this organization has that id".to_owned()).into());
    }
    let now = app.clock.now();
    let key = idempotency_key(&headers)?.unwrap_or_else(|| CallId::at(now).to_string());
    let by = person.actor.staff_id().map(|by| by.to_string()).unwrap_or_default();
    let new = NewCall {
        patient: body.patient,
        purpose: body.purpose,
        manner: body.manner,
        protocol: body.protocol,
        nurse: body.nurse,
        due_at: body.due_at.unwrap_or(now),
        idem_key: format!("api:{by}:{key}"),
        clashes: if body.accept_clashes { OnClash::Accept } else { OnClash::Ask },
    };
    match schedule_call::schedule(&app, &person.actor, new).await? {
        Scheduled::Planned(id) => Ok((StatusCode::CREATED, Json(PlannedCall { id }))),
        Scheduled::Clashes(_) => Err(Error::Conflict(
            "the patient or the nurse already has a call around this time; choose another, or accept clashes"
                .to_owned(),
        )
        .into()),
    }
}

/// Reads one call.
///
/// # Errors
/// 404 when there is none.
#[utoipa::path(get, path = "/api/calls/{id}", tag = "calls", params(("id" = CallId, Path)),
    responses((status = 200, body = WireCall), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
) -> Result<Json<WireCall>, Failure> {
    Ok(Json(open_call::open(&app, &person.actor, id).await?.into()))
}

/// Calls a call off; what already rings is hung up.
///
/// # Errors
/// 409 when patient and nurse already talk or it is over.
#[utoipa::path(post, path = "/api/calls/{id}/cancel", tag = "calls", params(("id" = CallId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn cancel(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
) -> Result<StatusCode, Failure> {
    cancel_call::cancel(&app, &person.actor, id).await?;
    Ok(DONE)
}

/// Hangs up.
///
/// # Errors
/// 409 when nobody talks on it.
#[utoipa::path(post, path = "/api/calls/{id}/hang-up", tag = "calls", params(("id" = CallId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn hang_up(
    State(app): State<Arc<App>>,
    SignedIn(person): SignedIn,
    Path(id): Path<CallId>,
) -> Result<StatusCode, Failure> {
    end_call::end(&app, &person.actor, id).await?;
    Ok(DONE)
}

impl From<CallPage> for WireCall {
    fn from(page: CallPage) -> Self {
        let head = page.head;
        Self {
            id: head.id,
            patient: head.patient,
            patient_name: page.brief.name.into_revealed(),
            purpose: head.purpose,
            protocol: head.protocol,
            nurse: head.nurse.map(|(id, _)| id),
            due_at: head.due_at,
            state: head.state,
            outcome: head.outcome,
            attempts: head.attempts,
            speaker: head.speaker,
            may_record: head.may_record,
            bridged_at: head.bridged_at,
            ended_at: head.ended_at,
            legs: page
                .legs
                .into_iter()
                .map(|leg| WireLeg {
                    id: leg.id,
                    party: leg.party,
                    joined_at: leg.joined_at,
                    left_at: leg.left_at,
                    stream: stream_word(leg.stream),
                })
                .collect(),
            gaps: page
                .gaps
                .into_iter()
                .map(|gap| WireGap {
                    party: if gap.of_nurse { "nurse" } else { "patient" },
                    from_at: gap.from_at,
                    to_at: gap.to_at,
                    reason: gap.reason,
                })
                .collect(),
            utterances: page
                .utterances
                .into_iter()
                .map(|said| WireUtterance {
                    id: said.id,
                    speaker: said.voice,
                    text: said.words().reveal().clone(),
                    heard: (!said.corrections.is_empty()).then(|| said.text.reveal().clone()),
                    from_at: said.from_at,
                    lost_words: said.lost_words,
                })
                .collect(),
        }
    }
}

const fn stream_word(stream: StreamState) -> &'static str {
    match stream {
        StreamState::None => "none",
        StreamState::Asked => "asked",
        StreamState::Open => "open",
        StreamState::Unheard => "unheard",
        StreamState::Ended => "ended",
    }
}
