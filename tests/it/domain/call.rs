//! The call's state machine, over any order of events.

use careline::domain::{
    call::{Call, CallEvent, CallManner, CallPurpose, CallState, Errand, Owed, RetryPolicy, Unreached},
    ids::{CallId, PatientId},
    script::{Scene, Script},
};
use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;

pub fn noon() -> DateTime<Utc> {
    "2026-11-21T17:00:00Z".parse().unwrap()
}

fn due_call() -> Call {
    Call {
        id: CallId::at(noon()),
        patient: PatientId::at(noon()),
        purpose: CallPurpose::CheckIn,
        manner: CallManner::Nurse,
        protocol: "dyspnea".to_owned(),
        nurse: None,
        due_at: noon(),
        state: CallState::Scheduled,
        outcome: None,
        attempts: 0,
        retry: RetryPolicy::USUAL,
        window_until: None,
        speaker: None,
        contact: None,
        script: Script::default(),
        may_record: None,
        is_flagged: false,
        nurses_asked: Vec::new(),
        nurse_rounds: 0,
        nurse_since: None,
        bridged_at: None,
        ended_at: None,
    }
}

const EVENTS: [CallEvent; 32] = [
    CallEvent::Armed,
    CallEvent::Bound,
    CallEvent::NotTaken,
    CallEvent::NumberRefused,
    CallEvent::Unreached(Unreached::Busy),
    CallEvent::Unreached(Unreached::NoAnswer),
    CallEvent::Unreached(Unreached::Failed),
    CallEvent::Unreached(Unreached::NoKeys),
    CallEvent::Unreached(Unreached::HungUp),
    CallEvent::Unreached(Unreached::Voicemail),
    CallEvent::IdentityRefused,
    CallEvent::CaregiverMayNot,
    CallEvent::Ready,
    CallEvent::NurseFirst,
    CallEvent::HeldBack,
    CallEvent::NurseDidNotCome,
    CallEvent::NoNurseLeft,
    CallEvent::NurseJoined,
    CallEvent::PatientJoined,
    CallEvent::PatientLeft,
    CallEvent::NurseLeft,
    CallEvent::NurseLeftHolding,
    CallEvent::Unresolved,
    CallEvent::CalledOff,
    CallEvent::WindowClosed,
    CallEvent::CheckedIn,
    CallEvent::FellSilent,
    CallEvent::AskedByText,
    CallEvent::NotNow,
    CallEvent::AskedForPerson,
    CallEvent::RedFlagByText,
    CallEvent::BrokeOff,
];

fn any_event() -> impl Strategy<Value = CallEvent> {
    proptest::sample::select(EVENTS.to_vec())
}

#[test]
fn a_busy_patient_is_rung_three_times_and_then_somebody_is_told() {
    let mut call = due_call();
    for again in 1..=3 {
        call.follow(CallEvent::Armed, noon()).unwrap();
        call.follow(CallEvent::Bound, noon()).unwrap();
        let errands = call.follow(CallEvent::Unreached(Unreached::Busy), noon()).unwrap();
        assert_eq!(call.attempts, again);
        if again < 3 {
            let pause = if again == 1 { 15 } else { 120 };
            assert_eq!(errands, [Errand::DialAgain(noon() + Duration::minutes(pause))]);
        } else {
            assert_eq!(errands, [Errand::FollowUp(Owed::Missed)]);
            assert_eq!(call.state, CallState::Missed);
        }
    }
}

#[test]
fn a_dial_the_carrier_did_not_take_is_no_attempt_on_the_patient() {
    let mut call = due_call();
    call.follow(CallEvent::Armed, noon()).unwrap();
    call.follow(CallEvent::NotTaken, noon()).unwrap();
    assert_eq!((call.attempts, call.state), (0, CallState::Scheduled));
}

proptest! {
    #[test]
    fn whatever_happens_in_whatever_order_the_call_keeps_its_promises(
        events in proptest::collection::vec(any_event(), 0..60),
        manner in proptest::sample::select(CallManner::ALL.to_vec()),
    ) {
        let mut call = Call { manner, ..due_call() };
        let mut owed = 0;
        for event in events {
            let before = call.clone();
            match call.follow(event, noon()) {
                Err(_) => prop_assert_eq!(&call, &before, "an event out of turn changed the call"),
                Ok(errands) => {
                    prop_assert!(!before.state.is_over(), "an ended call moved");
                    owed += errands.iter().filter(|errand| matches!(errand, Errand::FollowUp(_))).count();
                    for errand in &errands {
                        if let Errand::DialAgain(at) = errand {
                            let is_to_be_dialled =
                                matches!(call.state, CallState::Scheduled | CallState::NurseReady);
                            prop_assert!(*at > noon() && is_to_be_dialled);
                        }
                        if let Errand::DialPatient = errand {
                            prop_assert!(call.state == CallState::NurseReady, "rung before a nurse waits");
                        }
                    }
                }
            }
            prop_assert!(call.attempts <= call.retry.most_tries());
            let may_wait = matches!(
                call.state,
                CallState::NurseReady | CallState::Placing | CallState::Placed | CallState::WaitingForNurse
            );
            prop_assert!(call.nurse_since.is_none() || may_wait, "a nurse waits for nobody");
            prop_assert!(call.state != CallState::NurseReady || call.nurse_since.is_some());
        }
        let unreached = matches!(call.state, CallState::Missed | CallState::NeedsPerson);
        prop_assert_eq!(owed, usize::from(unreached), "a call nobody was reached on owes exactly one follow-up");
        prop_assert_eq!(call.ended_at.is_some(), call.state.is_over());
        prop_assert!(call.state != CallState::Done || call.bridged_at.is_some());
    }
}

#[test]
fn the_map_of_call_states_is_what_the_machine_does() {
    let stored = include_str!("../../../docs/call-states.md");
    assert!(stored == map(), "docs/call-states.md is not what the machine does. It should read:\n{}", map());
}

/// Every state, every event that moves it, and what is done about it.
fn map() -> String {
    let mut text = String::from(
        "# Call states\n\nGenerated from `src/domain/call/` by `tests/it/domain/call.rs`. An event that is not listed for a \
         state changes nothing.\n\n| state | event | next | errands |\n|---|---|---|---|\n",
    );
    for (state, nurse_since) in CallState::ALL.into_iter().flat_map(with_and_without_nurse) {
        let what = if nurse_since.is_some() { ", a nurse waits" } else { "" };
        let call = Call { state, attempts: 1, nurse_rounds: 1, nurse_since, ..due_call() };
        rows(&mut text, &format!("{}{what}", state.word()), &call);
    }
    // Where a check-in is kept by text, no telephone rings.
    text.push_str("\n## By text\n\n| state | event | next | errands |\n|---|---|---|---|\n");
    for (state, scene) in [
        (CallState::Scheduled, Scene::Unanswered),
        (CallState::Placed, Scene::WhoIsThere),
        (CallState::Placed, Scene::Questions),
    ] {
        let script = Script { scene, ..Script::default() };
        let call = Call { state, attempts: 1, manner: CallManner::ReplyText, script, ..due_call() };
        let what = if scene == Scene::Questions { ", the questions" } else { "" };
        rows(&mut text, &format!("{}{what}", state.word()), &call);
    }
    text
}

fn rows(text: &mut String, label: &str, from: &Call) {
    for event in EVENTS {
        let mut call = from.clone();
        if let Ok(errands) = call.follow(event, noon()) {
            let errands: Vec<String> = errands.iter().map(errand).collect();
            text.push_str(&format!("| {label} | {event:?} | {} | {} |\n", call.state.word(), errands.join(", ")));
        }
    }
}

/// Each state as it is reached: where a nurse may wait for the patient, also while one does.
fn with_and_without_nurse(state: CallState) -> Vec<(CallState, Option<DateTime<Utc>>)> {
    match state {
        CallState::NurseReady => vec![(state, Some(noon()))],
        CallState::Placing | CallState::Placed | CallState::WaitingForNurse => {
            vec![(state, None), (state, Some(noon()))]
        }
        CallState::Scheduled
        | CallState::AskingNurse
        | CallState::Bridged
        | CallState::Done
        | CallState::Missed
        | CallState::Cancelled
        | CallState::NeedsPerson => vec![(state, None)],
    }
}

fn errand(errand: &Errand) -> String {
    match errand {
        Errand::DialAgain(at) => format!("dial again in {} s", (*at - noon()).num_seconds()),
        Errand::RingNurse => "ring the next nurse".to_owned(),
        Errand::DialPatient => "dial the patient".to_owned(),
        Errand::LetNurseGo => "let the nurse go".to_owned(),
        Errand::HangUp => "hang up every leg".to_owned(),
        Errand::FollowUp(owed) => format!("follow-up: {}", owed.code()),
    }
}
