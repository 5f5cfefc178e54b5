//! Today's worklist as JSON.

use crate::{
    app::App,
    domain::{
        call::{CallPurpose, CallState},
        disposition::Disposition,
        ids::{CallId, FollowUpId, PatientId, StaffId},
        people::Language,
    },
    flows::open_worklist::{self, ClockedFollowUp, DayCall},
    web::{
        identity::SignedIn,
        respond::{Failure, Problem},
    },
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::sync::Arc;

/// One day of the organization.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Worklist {
    /// The instant it was read.
    now: DateTime<Utc>,
    /// The organization's IANA time zone; the day is a day there.
    time_zone: &'static str,
    /// On the telephone now.
    live: Vec<WorklistCall>,
    /// Asked by text now.
    texted: Vec<WorklistCall>,
    /// A person must decide.
    needs_person: Vec<WorklistCall>,
    /// Answered to a machine, and not read by a nurse yet; the most urgent first.
    check_ins: Vec<WorklistCall>,
    /// Talked, assessment not signed.
    unsigned: Vec<WorklistCall>,
    /// Due and not rung yet, soonest first.
    due: Vec<WorklistCall>,
    /// Over, latest first.
    ended: Vec<WorklistCall>,
    /// Open follow-ups due before tomorrow ends, soonest first.
    follow_ups: Vec<WorklistFollowUp>,
}

/// One call of the day.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WorklistCall {
    /// The call.
    id: CallId,
    /// Whom it is for.
    patient: PatientId,
    /// Their name.
    patient_name: String,
    /// The language of the call script.
    language: Language,
    /// Why it is planned.
    purpose: CallPurpose,
    /// The protocol asked on it.
    protocol: String,
    /// When it falls due.
    due_at: DateTime<Utc>,
    /// Where it stands.
    state: CallState,
    /// Why it ended or waits, a code.
    outcome: Option<String>,
    /// The nurse planned for it; null is anybody on duty.
    nurse: Option<StaffId>,
    /// Whether its assessment is signed; null when there is none.
    signed: Option<bool>,
    /// What was decided, or what the evaluator found so far.
    disposition: Option<Disposition>,
}

/// One open follow-up.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WorklistFollowUp {
    /// The follow-up.
    id: FollowUpId,
    /// Whom it is owed to.
    patient: PatientId,
    /// Their name.
    patient_name: String,
    /// What is owed.
    summary: String,
    /// How urgent.
    urgency: Option<Disposition>,
    /// Who owes it.
    owner: StaffId,
    /// When it is due.
    due_at: DateTime<Utc>,
}

/// Today's calls and the follow-ups whose clock runs.
///
/// # Errors
/// When it cannot be read.
#[utoipa::path(get, path = "/api/worklist", tag = "work",
    responses((status = 200, body = Worklist), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn today(State(app): State<Arc<App>>, SignedIn(person): SignedIn) -> Result<Json<Worklist>, Failure> {
    let list = open_worklist::today(&app, &person.actor).await?;
    let calls = |calls: Vec<DayCall>| calls.into_iter().map(WorklistCall::from).collect();
    Ok(Json(Worklist {
        now: list.now,
        time_zone: list.zone.name(),
        live: calls(list.live),
        texted: calls(list.texted),
        needs_person: calls(list.needs_person),
        check_ins: calls(list.check_ins),
        unsigned: calls(list.unsigned),
        due: calls(list.due),
        ended: calls(list.ended),
        follow_ups: list.follow_ups.into_iter().map(WorklistFollowUp::from).collect(),
    }))
}

impl From<DayCall> for WorklistCall {
    fn from(call: DayCall) -> Self {
        Self {
            id: call.id,
            patient: call.patient,
            patient_name: call.patient_name.into_revealed(),
            language: call.language,
            purpose: call.purpose,
            protocol: call.protocol,
            due_at: call.due_at,
            state: call.state,
            outcome: call.outcome,
            nurse: call.nurse,
            signed: call.signed,
            disposition: call.disposition,
        }
    }
}

impl From<ClockedFollowUp> for WorklistFollowUp {
    fn from(owed: ClockedFollowUp) -> Self {
        Self {
            id: owed.id,
            patient: owed.patient,
            patient_name: owed.patient_name.into_revealed(),
            summary: owed.summary.into_revealed(),
            urgency: owed.urgency,
            owner: owed.owner,
            due_at: owed.due_at,
        }
    }
}
