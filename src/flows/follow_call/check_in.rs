//! The patient's leg while an automatic voice asks: each key is stored and evaluated before the next question is said, so a
//! line that breaks loses nothing, and a red flag ends the questions at once. Nothing is recorded, no model is asked.

use super::{Reply, Scene};
use crate::{
    domain::{
        assessment::Assessment,
        audit::{Deed, DeedKind},
        call::{CallEvent, CallState},
        check_in::{Dialogue, Ending, Lead, Move, Sheet, Spoken, level},
        floor::Seat,
        people::Language,
        protocol::{Inputs, Package, evaluate},
        script::{Scene as ScriptScene, Speech},
        script_texts::joining,
    },
    error::Error,
    store::{
        assessments, attempts,
        audit::{ChartReceipt, open_chart_for, record},
        calls, check_ins, errands, protocols, standing,
    },
};
use std::sync::Arc;

/// What is needed to ask: the package the assessment is pinned to, its questions, and the house's own words.
struct Asking {
    receipt: ChartReceipt,
    assessment: Assessment,
    package: Arc<Package>,
    sheet: Sheet,
    dialogue: Dialogue,
    house: (String, String),
    language: Language,
}

impl Asking {
    fn spoken(&self) -> Spoken<'_> {
        Spoken {
            package: &self.package,
            language: self.language,
            organization: &self.house.0,
            emergency_number: &self.house.1,
        }
    }

    fn ask(&self, lead: &Lead) -> Reply {
        Reply::saying(self.spoken().ask(&self.sheet, self.dialogue.place, lead))
    }
}

/// Identity is proven: the first question. A protocol that cannot be asked by keys any more is asked by a nurse.
pub async fn begin(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    if !pin(scene).await? {
        return put_through(scene, None, Ending::Person).await;
    }
    scene.call.script.scene = ScriptScene::Questions;
    scene.call.may_record = Some(false);
    calls::save(scene.tx, &scene.call).await?;
    let deed = deed(scene, DeedKind::BeganCheckIn);
    let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    let asking = open(scene, "begin").await?;
    Ok(asking.ask(&Lead::Begin))
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
    Ok(open(scene, "repeat").await?.ask(&Lead::Again))
}

/// Pins the assessment to the version in use; `false` when it cannot be asked by keys.
async fn pin(scene: &mut Scene<'_>) -> Result<bool, Error> {
    let protocol = scene.call.protocol.clone();
    let Some(pinned) = protocols::in_use(scene.tx, &protocol).await? else { return Ok(false) };
    let package = protocols::package(scene.tx, &protocol, &pinned.version).await?;
    if Sheet::of(&package).is_err() {
        return Ok(false);
    }
    let evaluation = evaluate(&package.protocol, &Inputs::default());
    let (call, patient) = (scene.call.id, scene.call.patient);
    assessments::begin(scene.tx, call, patient, &pinned, &evaluation, scene.now).await?;
    check_ins::begin(scene.tx, call, patient, level(&evaluation), scene.now).await?;
    Ok(true)
}

async fn open(scene: &mut Scene<'_>, heard: &'static str) -> Result<Asking, Error> {
    let (call, patient) = (scene.call.id, scene.call.patient);
    let why = Deed::of(DeedKind::HeardCheckIn).subject(call.0).with("heard", heard);
    let receipt = open_chart_for(scene.tx, scene.actor, patient, why, scene.now).await?;
    let assessment = assessments::lock(scene.tx, &receipt, call).await?.ok_or(Error::NotFound)?;
    let package = protocols::package(scene.tx, &assessment.protocol, &assessment.version).await?;
    let sheet = Sheet::of(&package).map_err(|why| Error::Fault(why.to_string()))?;
    Ok(Asking {
        receipt,
        assessment,
        package,
        sheet,
        dialogue: check_ins::dialogue(scene.tx, call).await?,
        house: check_ins::house(scene.tx).await?,
        language: standing::language(scene.tx, patient).await?,
    })
}

/// Stores an answer, and lets the protocol say whether the questions go on.
async fn take(scene: &mut Scene<'_>, mut asking: Asking, question: &str, code: &str) -> Result<Reply, Error> {
    // Signed under our hands: the nurse has decided, and the answers belong to nobody any more.
    if asking.assessment.signed.is_some() {
        return follow(scene, asking, Move::Over).await;
    }
    let protocol = &asking.package.protocol;
    let answer = protocol.read_answer(question, code).map_err(|fault| Error::Fault(fault.message))?;
    check_ins::answered(scene.tx, &asking.receipt, scene.call.id, question, code, scene.now).await?;
    asking.assessment.inputs.answers.insert(question.to_owned(), answer);
    asking.assessment.evaluation = evaluate(protocol, &asking.assessment.inputs);
    asking.assessment.revision = asking.assessment.revision.saturating_add(1);
    assessments::save(scene.tx, &asking.assessment, scene.now).await?;
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
        Move::Ask(lead) => Ok(asking.ask(&lead)),
        Move::Person => put_through(scene, Some(&asking), Ending::Person).await,
        Move::Silent => end(scene, &asking, Ending::Silent).await,
        Move::Over | Move::Took { .. } => end(scene, &asking, Ending::Finished).await,
    }
}

async fn store(scene: &mut Scene<'_>, asking: &Asking) -> Result<(), Error> {
    check_ins::save(scene.tx, scene.call.id, &asking.dialogue, level(&asking.assessment.evaluation)).await
}

/// The automatic voice has nothing more to ask, or nobody answers it.
async fn end(scene: &mut Scene<'_>, asking: &Asking, ending: Ending) -> Result<Reply, Error> {
    close(scene, ending, None).await?;
    let (event, outcome, words) = match ending {
        Ending::Silent => (CallEvent::FellSilent, "check_in_silent", "script.check_in.silent"),
        Ending::Finished | Ending::RedFlag | Ending::Person | Ending::CutOff => {
            (CallEvent::CheckedIn, "checked_in", "script.check_in.end")
        }
    };
    attempts::tell(scene.tx, scene.attempt.id, outcome).await?;
    errands::follow(scene.tx, scene.actor, &mut scene.call, event, scene.now).await?;
    Ok(Reply::saying(asking.spoken().farewell(words)))
}

/// A person takes over: the leg enters the conference and a nurse is rung, as on any other call, and nothing is recorded.
async fn put_through(scene: &mut Scene<'_>, asking: Option<&Asking>, ending: Ending) -> Result<Reply, Error> {
    let red_flag = asking
        .filter(|_| ending == Ending::RedFlag)
        .and_then(|asking| asking.assessment.evaluation.red_flags().next().map(|fired| fired.rule.clone()));
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
