//! The patient's leg while an automatic voice asks: each key is stored and evaluated before the next question is said, so a
//! line that breaks loses nothing, and a red flag ends the questions at once. Nothing is recorded, no model is asked.

use super::{Reply, Scene};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::{CallEvent, CallState},
        check_in::{Ending, Lead, Move},
        contact_hours::Channel,
        floor::Seat,
        script::{Scene as ScriptScene, Speech},
        script_texts::joining,
    },
    error::Error,
    store::{
        asking::{self, Asking},
        attempts,
        audit::record,
        calls, check_ins, errands, standing,
    },
};

/// Identity is proven: the first question. A protocol that cannot be asked by keys any more is asked by a nurse.
pub async fn begin(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    if !asking::pin(scene.tx, &scene.call, Channel::Voice, scene.now).await? {
        return put_through(scene, None, Ending::Person).await;
    }
    scene.call.script.scene = ScriptScene::Questions;
    scene.call.may_record = Some(false);
    calls::save(scene.tx, &scene.call).await?;
    let deed = deed(scene, DeedKind::BeganCheckIn);
    let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    let asking = open(scene, "begin").await?;
    Ok(ask(&asking, &Lead::Begin))
}

/// One step: keys, or silence.
pub async fn turn(scene: &mut Scene<'_>, keys: Option<&str>) -> Result<Reply, Error> {
    let heard = if keys.is_none_or(str::is_empty) { "silence" } else { "keys" };
    let mut asking = open(scene, heard).await?;
    let step = asking.dialogue.step(&asking.sheet, keys);
    match step {
        Move::Took { question, code } => take(scene, asking, &question, &code).await,
        step @ (Move::Ask(_) | Move::Person | Move::Silent | Move::Over) => follow(scene, asking, step).await,
    }
}

/// The same message again: the question that waits is asked again, nothing is counted.
pub async fn repeat(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    Ok(ask(&open(scene, "repeat").await?, &Lead::Again))
}

async fn open(scene: &mut Scene<'_>, heard: &'static str) -> Result<Asking, Error> {
    asking::open(scene.tx, scene.actor, &scene.call, heard, scene.now).await
}

fn ask(asking: &Asking, lead: &Lead) -> Reply {
    Reply::saying(asking.spoken().ask(&asking.sheet, asking.dialogue.place, lead))
}

/// Stores an answer, and lets the protocol say whether the questions go on.
async fn take(scene: &mut Scene<'_>, mut asking: Asking, question: &str, code: &str) -> Result<Reply, Error> {
    // Signed under our hands: the nurse has decided, and the answers belong to nobody any more.
    if asking.assessment.signed.is_some() {
        return follow(scene, asking, Move::Over).await;
    }
    asking::keep(scene.tx, &mut asking, scene.call.id, (question, code), None, scene.now).await?;
    if asking.assessment.evaluation.ends_questions {
        store(scene, &asking).await?;
        return put_through(scene, Some(&asking), Ending::RedFlag).await;
    }
    let step = asking.dialogue.go_on(&asking.sheet, code);
    follow(scene, asking, step).await
}

async fn follow(scene: &mut Scene<'_>, asking: Asking, step: Move) -> Result<Reply, Error> {
    store(scene, &asking).await?;
    match step {
        Move::Ask(lead) => Ok(ask(&asking, &lead)),
        Move::Person => put_through(scene, Some(&asking), Ending::Person).await,
        Move::Silent => end(scene, &asking, Ending::Silent).await,
        Move::Over | Move::Took { .. } => end(scene, &asking, Ending::Finished).await,
    }
}

async fn store(scene: &mut Scene<'_>, asking: &Asking) -> Result<(), Error> {
    asking::save(scene.tx, asking, scene.call.id).await
}

/// The automatic voice has nothing more to ask, or nobody answers it.
async fn end(scene: &mut Scene<'_>, asking: &Asking, ending: Ending) -> Result<Reply, Error> {
    close(scene, ending, None).await?;
    let (event, outcome, words) = match ending {
        Ending::Silent => (CallEvent::FellSilent, "check_in_silent", "script.check_in.silent"),
        Ending::Finished | Ending::RedFlag | Ending::Person | Ending::CutOff | Ending::Stopped | Ending::Closed => {
            (CallEvent::CheckedIn, "checked_in", "script.check_in.end")
        }
    };
    attempts::tell(scene.tx, scene.attempt.id, outcome).await?;
    errands::follow(scene.tx, scene.actor, &mut scene.call, event, scene.now).await?;
    Ok(Reply::saying(asking.spoken().farewell(words)))
}

/// A person takes over: the leg enters the conference and a nurse is rung, as on any other call, and nothing is recorded.
async fn put_through(scene: &mut Scene<'_>, asking: Option<&Asking>, ending: Ending) -> Result<Reply, Error> {
    let red_flag = asking.filter(|_| ending == Ending::RedFlag).and_then(Asking::red_flag);
    close(scene, ending, red_flag.as_deref()).await?;
    scene.call.is_flagged = red_flag.is_some();
    scene.call.may_record = Some(false);
    scene.call.script.scene = ScriptScene::InConference;
    scene.open_leg(Seat::talking(true)).await?;
    errands::follow(scene.tx, scene.actor, &mut scene.call, CallEvent::Ready, scene.now).await?;
    if let (Some(asking), Some(rule), CallState::NeedsPerson) = (asking, red_flag.as_deref(), scene.call.state) {
        // Nobody is left to ring: the words for that are said here and now.
        return Ok(Reply::saying(asking.spoken().alone(Some(rule))));
    }
    let language = standing::language(scene.tx, scene.call.patient).await?;
    let text = asking.map_or_else(
        || joining(language).to_owned(),
        |asking| {
            let key = if red_flag.is_some() { "script.check_in.red_flag" } else { "script.check_in.person" };
            asking.spoken().text(key)
        },
    );
    let conference = scene.call.conference();
    Ok(Reply::saying(Speech::Join { language, text, conference, ends_on_exit: true }))
}

async fn close(scene: &mut Scene<'_>, ending: Ending, red_flag: Option<&str>) -> Result<(), Error> {
    if check_ins::end(scene.tx, scene.call.id, ending, red_flag, scene.now).await? {
        let deed = deed(scene, DeedKind::EndedCheckIn)
            .with("ending", ending.word())
            .with("red_flag", red_flag.unwrap_or("none"));
        let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    }
    Ok(())
}

fn deed(scene: &Scene<'_>, kind: DeedKind) -> Deed {
    Deed::of(kind).patient(scene.call.patient).subject(scene.call.id.0).with("attempt", scene.attempt.id)
}
