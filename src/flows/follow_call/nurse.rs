//! The nurse's leg: take the call or pass it on.

use super::{Reply, Scene};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallState},
        floor::Seat,
        ids::StaffId,
        line::Line,
        people::Language,
        script::Speech,
        script_texts::{
            PATIENT_IS_RUNG, Parting, ask_nurse, ask_nurse_at_once, ask_nurse_first, ask_nurse_first_at_once, joining,
            part,
        },
    },
    error::Error,
    store::{attempts, audit::record, calls, errands, legs},
};

/// One step: the first message asks, the next one carries the key.
pub async fn turn(scene: &mut Scene<'_>, staff: StaffId, keys: Option<&str>) -> Result<Reply, Error> {
    let Some(question) = question(&scene.call) else {
        return Ok(Reply::saying(part(Language::English, Parting::PatientGone)));
    };
    if scene.attempt.answered_at.is_none() {
        attempts::answered(scene.tx, scene.attempt.id, scene.now).await?;
        return match attempts::numbers(scene.tx, scene.attempt.id).await?.0 {
            // Whoever presses Answer on a page of her own has taken the call; a telephone may be answered by anybody.
            Line::Browser(_) => take(scene, staff).await,
            Line::Telephone(_) => Ok(Reply::saying(question)),
        };
    }
    if keys == Some("1") {
        return take(scene, staff).await;
    }
    // Any other key, or none in time: another nurse is rung, so that the patient does not wait on this telephone.
    answered(scene, staff, "passed").await?;
    attempts::tell(scene.tx, scene.attempt.id, "passed").await?;
    errands::follow(scene.tx, scene.actor, &mut scene.call, CallEvent::NurseDidNotCome, scene.now).await?;
    Ok(Reply::saying(part(Language::English, Parting::NursePassed)))
}

/// The same message again: what was said is said again, nothing is counted.
pub async fn repeat(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    // Who pressed 1 has a leg; being the nurse planned for the call is not enough.
    let took = legs::is_open(scene.tx, scene.attempt.id).await?;
    let speech = match (took, question(&scene.call), scene.call.state.is_over()) {
        (false, Some(question), _) => question,
        (true, _, false) => join(scene),
        (false, None, _) | (true, _, true) => part(Language::English, Parting::PatientGone),
    };
    Ok(Reply::saying(speech))
}

/// What a nurse is asked while one is wanted; `None` when nobody is.
fn question(call: &Call) -> Option<Speech> {
    match call.state {
        CallState::WaitingForNurse if call.is_flagged => Some(ask_nurse_at_once()),
        CallState::WaitingForNurse => Some(ask_nurse()),
        CallState::AskingNurse if call.is_flagged => Some(ask_nurse_first_at_once()),
        CallState::AskingNurse => Some(ask_nurse_first()),
        CallState::Scheduled
        | CallState::NurseReady
        | CallState::Placing
        | CallState::Placed
        | CallState::Bridged
        | CallState::Done
        | CallState::Missed
        | CallState::Cancelled
        | CallState::NeedsPerson => None,
    }
}

async fn take(scene: &mut Scene<'_>, staff: StaffId) -> Result<Reply, Error> {
    answered(scene, staff, "took").await?;
    scene.call.nurse = Some(staff);
    calls::save(scene.tx, &scene.call).await?;
    let leg = scene.open_leg(Seat::talking(true)).await?;
    let fork = scene.fork(leg).await?;
    Ok(Reply { speech: join(scene), fork })
}

fn join(scene: &Scene<'_>) -> Speech {
    let words = match scene.call.state {
        CallState::AskingNurse | CallState::NurseReady | CallState::Placing | CallState::Placed => PATIENT_IS_RUNG,
        CallState::Scheduled
        | CallState::WaitingForNurse
        | CallState::Bridged
        | CallState::Done
        | CallState::Missed
        | CallState::Cancelled
        | CallState::NeedsPerson => joining(Language::English),
    };
    Speech::Join {
        language: Language::English,
        text: words.to_owned(),
        conference: scene.call.conference(),
        ends_on_exit: true,
    }
}

async fn answered(scene: &mut Scene<'_>, staff: StaffId, how: &'static str) -> Result<(), Error> {
    let deed = Deed::of(DeedKind::AnsweredForNurse)
        .patient(scene.call.patient)
        .subject(scene.attempt.id.0)
        .with("call", scene.call.id)
        .with("nurse", staff)
        .with("how", how);
    let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    Ok(())
}
