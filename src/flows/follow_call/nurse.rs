//! The nurse's leg: take the call or pass it on.

use super::{Reply, Scene};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::{CallEvent, CallState},
        ids::StaffId,
        people::Language,
        script::Speech,
        script_texts::{Parting, ask_nurse, joining, part},
    },
    error::Error,
    ports::phone::Fork,
    store::{attempts, audit::record, calls, errands, legs},
};

/// One step: the first message asks, the next one carries the key.
pub async fn turn(scene: &mut Scene<'_>, staff: StaffId, keys: Option<&str>) -> Result<Reply, Error> {
    if scene.call.state != CallState::WaitingForNurse {
        return Ok(Reply::saying(part(Language::English, Parting::PatientGone)));
    }
    if scene.attempt.answered_at.is_none() {
        attempts::answered(scene.tx, scene.attempt.id, scene.now).await?;
        return Ok(Reply::saying(ask_nurse()));
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
pub fn repeat(scene: &Scene<'_>) -> Reply {
    match scene.call.state {
        CallState::WaitingForNurse if scene.call.nurse != scene.attempt_nurse() => Reply::saying(ask_nurse()),
        CallState::WaitingForNurse | CallState::Bridged => Reply::saying(join(scene)),
        CallState::Scheduled
        | CallState::Placing
        | CallState::Placed
        | CallState::Done
        | CallState::Missed
        | CallState::Cancelled
        | CallState::NeedsPerson => Reply::saying(part(Language::English, Parting::PatientGone)),
    }
}

async fn take(scene: &mut Scene<'_>, staff: StaffId) -> Result<Reply, Error> {
    answered(scene, staff, "took").await?;
    scene.call.nurse = Some(staff);
    calls::save(scene.tx, &scene.call).await?;
    let sid = scene.attempt.sid.clone().unwrap_or_default();
    let leg = legs::open(scene.tx, scene.call.id, scene.attempt.id, scene.attempt.party, &sid, scene.now).await?;
    let fork = if scene.call.may_record == Some(true) {
        let stream = legs::new_stream(scene.tx, scene.call.id, leg, scene.now).await?;
        Some(Fork { org: scene.actor.org, stream: stream.id, token: stream.token })
    } else {
        None
    };
    Ok(Reply { speech: join(scene), fork })
}

fn join(scene: &Scene<'_>) -> Speech {
    Speech::Join {
        language: Language::English,
        text: joining(Language::English).to_owned(),
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
