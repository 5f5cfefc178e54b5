//! Gives a job up: nothing is lost, so what it was about becomes work for a named person.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        disposition::Disposition,
        follow_up::{FollowUpReason, NewFollowUp},
        ids::{CallId, PatientId, TextId},
        job::Job,
        people::Actor,
        private::Private,
    },
    error::Error,
    store::{
        OrgTx, attempts,
        audit::record,
        calls, follow_ups,
        jobs::{self, ClaimedJob},
        legs, orphans, texts,
    },
};
use chrono::Duration;

/// Discards a claimed job; `why` names no patient.
///
/// # Errors
/// When the database is away; the job then runs again after its lease.
pub async fn give_up(app: &App, actor: &Actor, claimed: &ClaimedJob, why: &str) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    jobs::discard(&mut tx, claimed.id, why, now).await?;
    let mut deed = Deed::of(DeedKind::DiscardedJob).subject(claimed.id.0).with("kind", claimed.job.kind());
    if let Some(call) = call_of(&mut tx, &claimed.job).await? {
        let locked = calls::lock(&mut tx, call).await?;
        deed = deed.patient(locked.patient).with("call", call);
        let follow_up = NewFollowUp {
            patient: locked.patient,
            call: Some(call),
            assessment: None,
            reason: FollowUpReason::JobGivenUp,
            summary: Private::new(
                "Careline could not finish its work on this call. Look at the call and decide what is owed.".to_owned(),
            ),
            urgency: Disposition::Clinician1h,
            due_at: now + Duration::hours(1),
            once_key: format!("job:{}", claimed.id),
            owner: locked.nurse,
        };
        follow_ups::open(&mut tx, actor, &follow_up, now).await?;
    }
    if let Some((text, patient)) = text_of(&mut tx, &claimed.job).await? {
        deed = deed.patient(patient).with("text", text);
        let follow_up = NewFollowUp {
            patient,
            call: None,
            assessment: None,
            reason: FollowUpReason::JobGivenUp,
            summary: Private::new(
                "Careline could not find out whether a text went out. Look at the patient's texts and decide what is owed."
                    .to_owned(),
            ),
            urgency: Disposition::SameDay,
            due_at: now + Duration::hours(4),
            once_key: format!("job:{}", claimed.id),
            owner: None,
        };
        follow_ups::open(&mut tx, actor, &follow_up, now).await?;
    }
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await
}

/// The text a job is about, and whom it is for; a text to nobody known is nobody's work.
async fn text_of(tx: &mut OrgTx, job: &Job) -> Result<Option<(TextId, PatientId)>, Error> {
    match job {
        Job::SendText { text } | Job::ReconcileText { text } => {
            Ok(texts::patient_of(tx, *text).await?.map(|patient| (*text, patient)))
        }
        Job::PlaceCall { .. }
        | Job::RingNurse { .. }
        | Job::LetNurseGo { .. }
        | Job::RingGuest { .. }
        | Job::KeepFloor { .. }
        | Job::HangUp { .. }
        | Job::EndOrphan { .. }
        | Job::ReconcileAttempt { .. }
        | Job::SpeakAfterBeep { .. }
        | Job::ForkLeg { .. }
        | Job::EscalateFollowUp { .. }
        | Job::EraseDocument { .. }
        | Job::EraseRecording { .. }
        | Job::PlanAhead { .. }
        | Job::ScrubFiles
        | Job::SendNotice { .. }
        | Job::WriteReset { .. }
        | Job::EndBreakGlass { .. }
        | Job::RemindBreakGlass { .. }
        | Job::MindCheckIn { .. }
        | Job::DraftSummary { .. }
        | Job::RemindCaller { .. } => Ok(None),
    }
}

async fn call_of(tx: &mut OrgTx, job: &Job) -> Result<Option<CallId>, Error> {
    match job {
        Job::PlaceCall { call }
        | Job::RingNurse { call, .. }
        | Job::RingGuest { call, .. }
        | Job::KeepFloor { call }
        | Job::MindCheckIn { call }
        | Job::DraftSummary { said: call }
        | Job::HangUp { call } => Ok(Some(*call)),
        Job::EndOrphan { sid } => Ok(Some(orphans::lock(tx, sid).await?.call)),
        Job::ReconcileAttempt { attempt } | Job::LetNurseGo { attempt } | Job::SpeakAfterBeep { attempt } => {
            Ok(Some(attempts::read(tx, *attempt).await?.call))
        }
        Job::ForkLeg { leg } => Ok(Some(legs::call_of(tx, *leg).await?)),
        Job::EscalateFollowUp { .. }
        | Job::EraseDocument { .. }
        | Job::EraseRecording { .. }
        | Job::PlanAhead { .. }
        | Job::ScrubFiles
        | Job::SendNotice { .. }
        | Job::WriteReset { .. }
        | Job::SendText { .. }
        | Job::ReconcileText { .. }
        | Job::EndBreakGlass { .. }
        | Job::RemindBreakGlass { .. }
        | Job::RemindCaller { .. } => Ok(None),
    }
}
