//! Before identity is proven: the script of a call, asked by text. What is expected never leaves the server, a number proves
//! nobody, and nothing of health is written.

use super::{Taken, Turn, ending, questions, say};
use crate::{
    domain::{
        audit::DeedKind,
        call::{CallEvent, CallState, Speaker},
        check_in::{
            Opening,
            opening::{self, OpeningParting},
        },
        contact_hours::Channel,
        script::{self, Prompt, Scene},
    },
    error::Error,
    store::{asking, audit::record, calls, errands, identity, text_check_ins},
};

pub(super) use crate::domain::check_in::opening::OpeningLead as Lead;

/// Writes a prompt of the script.
pub(super) async fn ask(turn: &mut Turn<'_>, lead: Lead, prompt: Prompt) -> Result<(), Error> {
    let body = opening::ask(turn.language, lead, prompt, &turn.filling);
    say::ask(turn, code(prompt), body).await
}

/// What is stored of a prompt: below 0, where no question is.
const fn code(prompt: Prompt) -> i32 {
    match prompt {
        Prompt::WhoIsThere
        | Prompt::WhoRings
        | Prompt::WhoRingsAfterHours
        | Prompt::WhoIsThereForKeys
        | Prompt::MayRecord => -1,
        Prompt::BirthDate => -2,
        Prompt::CallCode => -3,
        Prompt::CaregiverCode => -4,
        Prompt::CaregiverBirthDate => -5,
    }
}

/// A reply while the script waits.
pub(super) async fn take(turn: &mut Turn<'_>, code_key: &[u8], said: Opening) -> Result<Taken, Error> {
    match said {
        Opening::Entry(digits) => step(turn, code_key, Some(&digits), Lead::Fresh).await.map(|()| Taken::Wholly),
        Opening::NotNow => later(turn).await.map(|()| Taken::Wholly),
        Opening::Person => ending::person(turn, None).await.map(|()| Taken::Called),
        // Asked once more; whoever goes on in words of their own has a person.
        Opening::Words => step(turn, code_key, None, Lead::NotAnAnswer).await.map(|()| Taken::ForPerson),
    }
}

/// Nobody answered: asked once more, then left to a person.
pub(super) async fn silence(turn: &mut Turn<'_>, code_key: &[u8]) -> Result<(), Error> {
    step(turn, code_key, None, Lead::StillThere).await
}

async fn step(turn: &mut Turn<'_>, code_key: &[u8], digits: Option<&str>, lead: Lead) -> Result<(), Error> {
    let expected = identity::expected(turn.tx, turn.call.patient, code_key).await?;
    let wrong = turn.call.script.wrong;
    let made = turn.call.script.step(digits, &expected);
    let lead = if turn.call.script.wrong > wrong { Lead::DidNotMatch } else { lead };
    match made {
        script::Turn::Prompt(prompt) => {
            calls::save(turn.tx, &turn.call).await?;
            ask(turn, lead, prompt).await
        }
        script::Turn::Caregiver(caregiver) => {
            turn.call.contact = Some(caregiver.id);
            calls::save(turn.tx, &turn.call).await?;
            if caregiver.may_discuss_health {
                return ask(turn, Lead::Fresh, Prompt::CaregiverBirthDate).await;
            }
            refuse(turn, CallEvent::CaregiverMayNot, OpeningParting::CaregiverMayNot).await
        }
        script::Turn::Proven => proven(turn).await,
        script::Turn::Refused => refuse(turn, CallEvent::IdentityRefused, OpeningParting::NotProven).await,
        script::Turn::Nobody if lead == Lead::NotAnAnswer => ending::person(turn, None).await,
        script::Turn::Nobody => {
            errands::follow(turn.tx, turn.actor, &mut turn.call, CallEvent::FellSilent, turn.now).await.map(drop)
        }
        script::Turn::Recorded(_) | script::Turn::Late => Ok(()),
    }
}

async fn refuse(turn: &mut Turn<'_>, event: CallEvent, parting: OpeningParting) -> Result<(), Error> {
    let _receipt =
        record(turn.tx, turn.actor, &turn.deed(DeedKind::RefusedIdentity).with("by", "text"), turn.now).await?;
    errands::follow(turn.tx, turn.actor, &mut turn.call, event, turn.now).await?;
    part(turn, parting).await
}

async fn later(turn: &mut Turn<'_>) -> Result<(), Error> {
    errands::follow(turn.tx, turn.actor, &mut turn.call, CallEvent::NotNow, turn.now).await?;
    text_check_ins::close(turn.tx, turn.call.id, turn.now).await?;
    let comes_back = turn.call.state == CallState::Scheduled;
    part(turn, if comes_back { OpeningParting::Later } else { OpeningParting::PersonLater }).await
}

/// Last words that say nothing of health.
pub(super) async fn part(turn: &mut Turn<'_>, parting: OpeningParting) -> Result<(), Error> {
    let body = opening::part(turn.language, parting, &turn.filling);
    say::part(turn, body).await
}

/// Identity is proven: the first question. A protocol that cannot be asked by text any more is asked by a nurse.
async fn proven(turn: &mut Turn<'_>) -> Result<(), Error> {
    let speaker = if turn.call.contact.is_some() { Speaker::Caregiver } else { Speaker::Patient };
    turn.call.speaker = Some(speaker);
    let deed = turn.deed(DeedKind::ProvedIdentity).with("speaker", speaker.word()).with("by", "text");
    let _receipt = record(turn.tx, turn.actor, &deed, turn.now).await?;
    if !asking::pin(turn.tx, &turn.call, Channel::Text, turn.now).await? {
        return ending::person(turn, None).await;
    }
    turn.call.script.scene = Scene::Questions;
    turn.call.may_record = Some(false);
    calls::save(turn.tx, &turn.call).await?;
    questions::begin(turn).await
}
