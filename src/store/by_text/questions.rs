//! Once identity is proven: the questions of the protocol one text at a time. Each answer is stored and evaluated before the
//! next question is written, so a kill in between loses nothing and asks nothing twice.

use super::{Taken, Turn, ending, say};
use crate::{
    domain::{
        audit::DeedKind,
        check_in::{Ending, Lead, Move, Said},
        ids::TextId,
        protocol::Answer,
        script::Scene,
    },
    error::Error,
    store::{
        asking::{self, Asking},
        audit::record,
        check_ins,
    },
};

/// The first question.
pub(super) async fn begin(turn: &mut Turn<'_>) -> Result<(), Error> {
    let asking = open(turn, "begin").await?;
    ask(turn, &asking, &Lead::Begin).await
}

/// A reply to the question that waits.
pub(super) async fn take(turn: &mut Turn<'_>, text: TextId, said: Said) -> Result<Taken, Error> {
    let left = left_by(&said);
    let mut asking = open(turn, "reply").await?;
    // Signed under our hands: the nurse has decided, and the answers belong to nobody any more.
    if asking.assessment.signed.is_some() {
        ending::finish(turn, &asking).await?;
        return Ok(Taken::ForPerson);
    }
    let mut step = asking.dialogue.hear(&asking.sheet, said);
    if let Move::Took { question, code } = &step {
        asking::keep(turn.tx, &mut asking, turn.call.id, (question, code), Some(text), turn.now).await?;
        if asking.assessment.evaluation.ends_questions {
            ending::red_flag(turn, &asking).await?;
            return Ok(left);
        }
        step = asking.dialogue.go_on(&asking.sheet, &code.clone());
    }
    follow(turn, asking, step).await?;
    Ok(left)
}

/// A reply to the question before: it changes that answer, or is somebody's words. The question that waits goes on waiting.
pub(super) async fn correct(turn: &mut Turn<'_>, text: TextId, place: usize, said: Said) -> Result<Taken, Error> {
    let left = left_by(&said);
    let mut asking = open(turn, "correction").await?;
    let question = asking.sheet.at(place).map(|item| item.question.clone());
    match (said, question) {
        (Said::Answer(code), Some(question)) if asking.assessment.signed.is_none() => {
            let given = asking.assessment.inputs.answers.get(&question).map(Answer::code);
            if given.as_ref() == Some(&code) {
                return Ok(left);
            }
            asking::keep(turn.tx, &mut asking, turn.call.id, (&question, &code), Some(text), turn.now).await?;
            if asking.assessment.evaluation.ends_questions {
                ending::red_flag(turn, &asking).await?;
            } else {
                asking::save(turn.tx, &asking, turn.call.id).await?;
            }
            Ok(left)
        }
        (Said::Person, _) => {
            ending::person(turn, Some(&asking)).await?;
            Ok(left)
        }
        (Said::Answer(_) | Said::Words | Said::Nothing, _) => Ok(Taken::ForPerson),
        (Said::Again | Said::Back, _) => Ok(Taken::Wholly),
    }
}

/// Nobody answered for a while.
pub(super) async fn silence(turn: &mut Turn<'_>) -> Result<(), Error> {
    let mut asking = open(turn, "silence").await?;
    let step = asking.dialogue.step(&asking.sheet, None);
    follow(turn, asking, step).await
}

async fn follow(turn: &mut Turn<'_>, asking: Asking, step: Move) -> Result<(), Error> {
    asking::save(turn.tx, &asking, turn.call.id).await?;
    match step {
        Move::Ask(lead) => ask(turn, &asking, &lead).await,
        Move::Person => ending::person(turn, Some(&asking)).await,
        Move::Silent => ending::silent(turn, &asking).await,
        Move::Over | Move::Took { .. } => ending::finish(turn, &asking).await,
    }
}

/// Who else must look at a reply.
pub(super) const fn left_by(said: &Said) -> Taken {
    match said {
        Said::Answer(_) | Said::Again | Said::Back | Said::Nothing => Taken::Wholly,
        Said::Words => Taken::ForPerson,
        Said::Person => Taken::Called,
    }
}

async fn ask(turn: &mut Turn<'_>, asking: &Asking, lead: &Lead) -> Result<(), Error> {
    let place = asking.dialogue.place;
    let body = asking.spoken().ask_by_text(&asking.sheet, place, lead);
    say::ask(turn, i32::try_from(place).unwrap_or(i32::MAX), body).await
}

async fn open(turn: &mut Turn<'_>, heard: &'static str) -> Result<Asking, Error> {
    asking::open(turn.tx, turn.actor, &turn.call, heard, turn.now).await
}

/// The check-in as it stands, if its questions have begun.
pub(super) async fn begun(turn: &mut Turn<'_>) -> Result<Option<Asking>, Error> {
    if turn.call.script.scene == Scene::Questions {
        return open(turn, "end").await.map(Some);
    }
    Ok(None)
}

/// How a check-in ended, as it is stored and recorded.
pub(super) async fn close(turn: &mut Turn<'_>, ending: Ending, red_flag: Option<&str>) -> Result<(), Error> {
    if check_ins::end(turn.tx, turn.call.id, ending, red_flag, turn.now).await? {
        let deed = turn
            .deed(DeedKind::EndedCheckIn)
            .with("by", "text")
            .with("ending", ending.word())
            .with("red_flag", red_flag.unwrap_or("none"));
        let _receipt = record(turn.tx, turn.actor, &deed, turn.now).await?;
    }
    Ok(())
}
