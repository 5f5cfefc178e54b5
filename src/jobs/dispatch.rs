//! Which flow does which job: one exhaustive match, so that a new job cannot be forgotten.

use crate::{
    app::App,
    domain::{job::Job, people::Actor},
    error::Error,
    flows,
};

/// Does one job. It may have been done before: every flow here looks first.
///
/// # Errors
/// Whatever the flow could not do; the runner reads the verdict.
pub async fn dispatch(app: &App, actor: &Actor, job: &Job) -> Result<(), Error> {
    match job {
        Job::PlaceCall { call } => flows::place_call::place(app, actor, *call).await,
        Job::RingNurse { call, nurse } => flows::ring_colleague::nurse::ring(app, actor, *call, *nurse).await,
        Job::LetNurseGo { attempt } => flows::let_nurse_go::let_go(app, actor, *attempt).await,
        Job::RingGuest { call, guest } => flows::ring_colleague::guest::ring(app, actor, *call, *guest).await,
        Job::KeepFloor { call } => flows::floor::keep(app, actor, *call).await,
        Job::ReconcileAttempt { attempt } => flows::reconcile_attempt::reconcile(app, actor, *attempt).await,
        Job::SpeakAfterBeep { attempt } => flows::speak_after_beep::speak(app, actor, *attempt).await,
        Job::EndOrphan { sid } => flows::end_orphan::end(app, actor, sid).await,
        Job::RemindCaller { caller, round } => flows::callers::remind(app, actor, *caller, *round).await,
        Job::HangUp { call } => flows::hang_up::hang_up(app, actor, *call).await,
        Job::ForkLeg { leg } => flows::fork_leg::fork(app, actor, *leg).await,
        Job::EscalateFollowUp { follow_up } => {
            flows::escalate_follow_up::escalate(app, actor, *follow_up).await.map(drop)
        }
        Job::WriteReset { reset } => flows::reset_password::write(app, actor, *reset).await,
        Job::EndBreakGlass { break_glass } => flows::break_glass::run_out(app, actor, *break_glass).await,
        Job::RemindBreakGlass { break_glass, round } => {
            flows::review_break_glass::remind(app, actor, *break_glass, *round).await
        }
        Job::SendText { text } => flows::send_text::send(app, actor, *text).await,
        Job::MindCheckIn { call } => flows::mind_check_in::mind(app, actor, *call).await,
        Job::ReconcileText { text } => flows::reconcile_text::reconcile(app, actor, *text).await,
        Job::EraseDocument { file } => flows::erase_document::erase(app, actor, *file).await,
        Job::EraseRecording { recording } => flows::recordings::erase::erase(app, actor, *recording).await,
        Job::PlanAhead { plan } => flows::plan_ahead::look(app, actor, *plan).await.map(drop),
        Job::DraftSummary { said } => flows::draft_summary::draft(app, actor, *said).await,
        Job::ScrubFiles => flows::scrub_files::scrub(app, actor).await.map(drop),
        Job::SendNotice { staff, notice } => flows::send_notice::send(app, actor, *staff, *notice).await,
    }
}
