//! The patient's leg: the call script, step by step, until the conference.

use super::{Reply, Scene, check_in};
use crate::{
    domain::{
        answering::{AnsweredBy, VoicemailRule},
        attempt::Party,
        audit::{Deed, DeedKind},
        call::{CallEvent, CallManner, CallPurpose, CallState, Speaker, Unreached},
        contact_hours::{Standing, may_call},
        floor::Seat,
        hold_back::Rule,
        identity::Caregiver,
        ids::AttemptId,
        job::Job,
        office_hours::OfficeDoor,
        people::Language,
        script::{Prompt, Recording, Scene as ScriptScene, Speech, Turn},
        script_texts::{Lead, Parting, ask, joining, leave_word, part},
    },
    error::Error,
    store::{
        OrgTx, attempts, audit::record, calls, errands, house_rules, identity, jobs, legs, organizations, standing,
        voicemail,
    },
};
use chrono::{DateTime, Duration, Utc};

/// One step of the script.
pub async fn turn(scene: &mut Scene<'_>, keys: Option<&str>) -> Result<Reply, Error> {
    if scene.call.script.scene == ScriptScene::Questions && scene.call.state == CallState::Placed {
        return check_in::turn(scene, keys).await;
    }
    if scene.call.script.awaited().is_none() {
        return repeat(scene).await;
    }
    if scene.call.state != CallState::Placed {
        return Ok(Reply::saying(Speech::silence()));
    }
    if keys.is_none() && is_after_beep(scene) {
        return leave(scene).await;
    }
    let expected = identity::expected(scene.tx, scene.call.patient, &scene.app.settings.call_code_key).await?;
    let before = scene.call.script.clone();
    let most = AnsweredBy::most_silences(scene.attempt.answered_by);
    let turn = scene.call.script.step_within(keys, &expected, most);
    let lead = if scene.call.script.wrong > before.wrong {
        Lead::DidNotMatch
    } else if scene.call.script.silences > before.silences {
        Lead::Again
    } else {
        Lead::Fresh
    };
    match turn {
        Turn::Prompt(prompt) => prompt_now(scene, lead, prompt).await,
        Turn::Caregiver(caregiver) => caregiver_named(scene, caregiver).await,
        Turn::Proven => proven(scene).await,
        Turn::Refused => end_script(scene, CallEvent::IdentityRefused, "identity_refused", Parting::NotProven).await,
        Turn::Nobody => end_script(scene, CallEvent::Unreached(Unreached::NoKeys), "no_keys", Parting::Nobody).await,
        Turn::Recorded(answer) => enter(scene, answer).await,
        Turn::Late => repeat(scene).await,
    }
}

/// Whether whoever answers may be spoken to: the patient's status and consent are asked once more, and a ring that the carrier
/// kept back until the hours were over is hung up unheard. Asked before the call is locked, as the patient comes first.
pub async fn may_be_on_the_line(
    tx: &mut OrgTx,
    attempt: AttemptId,
    ring_seconds: u64,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let read = attempts::read(tx, attempt).await?;
    if read.party != Party::Patient || read.answered_at.is_some() {
        return Ok(true);
    }
    let (patient, purpose, manner) = calls::made_for(tx, read.call).await?;
    // The rules say when we may ring somebody; who rings us is heard at any hour.
    if purpose == CallPurpose::Inbound {
        return Ok(true);
    }
    let standing = standing::standing(tx, patient, now).await?;
    // A ring that began within the hours may be answered a little after them.
    let since = now - Duration::seconds(i64::try_from(ring_seconds).unwrap_or(0).saturating_add(5));
    Ok(is_open(now, &standing, manner) || (!is_forbidden(now, &standing, manner) && is_open(since, &standing, manner)))
}

/// Rings are counted before a dial; this ring is one of those counted.
fn is_open(at: DateTime<Utc>, standing: &Standing, manner: CallManner) -> bool {
    match may_call(at, standing, manner).map_err(|held| held.rule) {
        Ok(()) | Err(Rule::DayFull | Rule::WeekFull) => true,
        Err(
            Rule::Deceased
            | Rule::Admitted
            | Rule::NotFollowed
            | Rule::NeverAsked
            | Rule::ConsentWithdrawn
            | Rule::OptedOut
            | Rule::OutsideHours
            | Rule::Holiday
            | Rule::NeverOpen
            | Rule::NoAutomatedConsent
            | Rule::NoClinicalTexts,
        ) => false,
    }
}

fn is_forbidden(at: DateTime<Utc>, standing: &Standing, manner: CallManner) -> bool {
    match may_call(at, standing, manner).map_err(|held| held.rule) {
        Ok(()) | Err(Rule::DayFull | Rule::WeekFull | Rule::OutsideHours | Rule::Holiday | Rule::NeverOpen) => false,
        Err(
            Rule::Deceased
            | Rule::Admitted
            | Rule::NotFollowed
            | Rule::NeverAsked
            | Rule::ConsentWithdrawn
            | Rule::OptedOut
            | Rule::NoAutomatedConsent
            | Rule::NoClinicalTexts,
        ) => true,
    }
}

/// The same message again, or one after the script: what was said is said again, nothing is counted.
pub async fn repeat(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    if scene.call.script.scene == ScriptScene::Questions && scene.call.state == CallState::Placed {
        return check_in::repeat(scene).await;
    }
    match (scene.call.state, scene.call.script.awaited()) {
        (CallState::Placed, Some(_)) if voicemail::has_taken_word(scene.tx, scene.attempt.id).await? => {
            word(scene).await
        }
        (CallState::Placed, Some(prompt)) => {
            let language = language(scene).await?;
            let name = organizations::calling_settings(scene.tx).await?.name;
            let prompt = opening(scene, prompt).await?;
            Ok(Reply::saying(ask(language, Lead::Fresh, prompt, &name)))
        }
        (CallState::WaitingForNurse | CallState::Bridged, None) => {
            let language = language(scene).await?;
            Ok(Reply::saying(join(scene, language)))
        }
        (
            CallState::Scheduled
            | CallState::AskingNurse
            | CallState::NurseReady
            | CallState::Placing
            | CallState::Placed
            | CallState::WaitingForNurse
            | CallState::Bridged
            | CallState::Done
            | CallState::Missed
            | CallState::Cancelled
            | CallState::NeedsPerson,
            _,
        ) => Ok(Reply::saying(Speech::silence())),
    }
}

/// Whether silence means a voicemail: the carrier has heard its beep, and nobody has pressed a key since the first question.
fn is_after_beep(scene: &Scene<'_>) -> bool {
    scene.attempt.answered_by == Some(AnsweredBy::MachineBeep)
        && scene.call.script.scene == ScriptScene::WhoIsThere
        && scene.call.script.is_untouched()
}

/// What a voicemail is told: where its rule says so, one sentence, once a day; then, or otherwise, nothing.
async fn leave(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    match voicemail::rule(scene.tx, scene.call.patient).await? {
        VoicemailRule::NameFree if voicemail::take_word(scene.tx, &scene.attempt, scene.now).await? => {
            let _receipt = record(scene.tx, scene.actor, &deed(scene, DeedKind::LeftWord), scene.now).await?;
            word(scene).await
        }
        VoicemailRule::NameFree | VoicemailRule::Silent => {
            close_script(scene, CallEvent::Unreached(Unreached::Voicemail), "voicemail").await?;
            Ok(Reply::saying(Speech::silence()))
        }
    }
}

async fn word(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    let language = language(scene).await?;
    let number = organizations::calling_settings(scene.tx).await?.caller_number;
    Ok(Reply::saying(leave_word(language, number.reveal())))
}

async fn prompt_now(scene: &mut Scene<'_>, lead: Lead, prompt: Prompt) -> Result<Reply, Error> {
    if scene.attempt.answered_at.is_none() {
        attempts::answered(scene.tx, scene.attempt.id, scene.now).await?;
    }
    calls::save(scene.tx, &scene.call).await?;
    let language = language(scene).await?;
    let name = organizations::calling_settings(scene.tx).await?.name;
    let prompt = opening(scene, prompt).await?;
    Ok(Reply::saying(ask(language, lead, prompt, &name)))
}

/// A prompt as this call words it: whoever rang us while the office was closed is told so.
async fn opening(scene: &mut Scene<'_>, prompt: Prompt) -> Result<Prompt, Error> {
    let prompt = scene.call.opening(prompt);
    if prompt == Prompt::WhoRings
        && house_rules::office(scene.tx, scene.call.due_at).await?.door(scene.call.due_at) != OfficeDoor::Open
    {
        return Ok(Prompt::WhoRingsAfterHours);
    }
    Ok(prompt)
}

async fn caregiver_named(scene: &mut Scene<'_>, caregiver: Caregiver) -> Result<Reply, Error> {
    scene.call.contact = Some(caregiver.id);
    if caregiver.may_discuss_health {
        return prompt_now(scene, Lead::Fresh, Prompt::CaregiverBirthDate).await;
    }
    end_script(scene, CallEvent::CaregiverMayNot, "caregiver_may_not", Parting::CaregiverMayNot).await
}

async fn proven(scene: &mut Scene<'_>) -> Result<Reply, Error> {
    let speaker = if scene.call.contact.is_some() { Speaker::Caregiver } else { Speaker::Patient };
    scene.call.speaker = Some(speaker);
    let deed = deed(scene, DeedKind::ProvedIdentity).with("speaker", speaker.word());
    let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    match scene.call.manner {
        // A call kept by text has no leg; were there one, a person would have taken it over.
        CallManner::Nurse | CallManner::ReplyText => prompt_now(scene, Lead::Fresh, Prompt::MayRecord).await,
        CallManner::Keypad => check_in::begin(scene).await,
    }
}

/// The script is over without a conversation.
async fn end_script(
    scene: &mut Scene<'_>,
    event: CallEvent,
    outcome: &'static str,
    parting: Parting,
) -> Result<Reply, Error> {
    close_script(scene, event, outcome).await?;
    let language = language(scene).await?;
    Ok(Reply::saying(part(language, parting)))
}

async fn close_script(scene: &mut Scene<'_>, event: CallEvent, outcome: &'static str) -> Result<(), Error> {
    let kind = match event {
        CallEvent::IdentityRefused | CallEvent::CaregiverMayNot => DeedKind::RefusedIdentity,
        CallEvent::Armed
        | CallEvent::Bound
        | CallEvent::NotTaken
        | CallEvent::NumberRefused
        | CallEvent::Unreached(_)
        | CallEvent::Ready
        | CallEvent::NurseFirst
        | CallEvent::HeldBack
        | CallEvent::NurseDidNotCome
        | CallEvent::NoNurseLeft
        | CallEvent::NurseJoined
        | CallEvent::PatientJoined
        | CallEvent::PatientLeft
        | CallEvent::NurseLeft
        | CallEvent::NurseLeftHolding
        | CallEvent::Unresolved
        | CallEvent::CalledOff
        | CallEvent::WindowClosed
        | CallEvent::CheckedIn
        | CallEvent::FellSilent
        | CallEvent::AskedByText
        | CallEvent::NotNow
        | CallEvent::AskedForPerson
        | CallEvent::RedFlagByText
        | CallEvent::BrokeOff => DeedKind::MissedAttempt,
    };
    let deed = deed(scene, kind).with("why", outcome);
    let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    attempts::tell(scene.tx, scene.attempt.id, outcome).await?;
    errands::follow(scene.tx, scene.actor, &mut scene.call, event, scene.now).await?;
    Ok(())
}

/// Consent is settled: the leg enters the conference and a nurse is rung.
async fn enter(scene: &mut Scene<'_>, answer: Recording) -> Result<Reply, Error> {
    let allowed = answer == Recording::Allowed;
    scene.call.may_record = Some(allowed);
    identity::record_call_consent(scene.tx, &scene.call, answer, scene.now).await?;
    let deed = deed(scene, DeedKind::RecordedCallConsent).with("given", allowed);
    let _receipt = record(scene.tx, scene.actor, &deed, scene.now).await?;
    let leg = scene.open_leg(Seat::talking(true)).await?;
    errands::follow(scene.tx, scene.actor, &mut scene.call, CallEvent::Ready, scene.now).await?;
    if allowed {
        // A nurse who was there first came before anybody could ask about recording.
        for nurse in legs::nurses_there(scene.tx, scene.call.id).await? {
            jobs::enqueue(scene.tx, &Job::ForkLeg { leg: nurse }, "consent", scene.now, scene.now).await?;
        }
    }
    let fork = scene.fork(leg).await?;
    let language = language(scene).await?;
    Ok(Reply { speech: join(scene, language), fork })
}

fn join(scene: &Scene<'_>, language: Language) -> Speech {
    Speech::Join {
        language,
        text: joining(language).to_owned(),
        conference: scene.call.conference(),
        ends_on_exit: true,
    }
}

async fn language(scene: &mut Scene<'_>) -> Result<Language, Error> {
    standing::language(scene.tx, scene.call.patient).await
}

fn deed(scene: &Scene<'_>, kind: DeedKind) -> Deed {
    Deed::of(kind).patient(scene.call.patient).subject(scene.attempt.id.0).with("call", scene.call.id)
}
