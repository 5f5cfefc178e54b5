//! The call script: nothing is revealed before identity is proven, and guessing ends.

use careline::domain::{
    people::Language,
    script::{Identity, MOST_WRONG_ENTRIES, Prompt, Recording, Scene, Script, Speech, Turn},
    script_texts::{Lead, Parting, ask, part},
};
use proptest::prelude::*;

struct Rosa;

impl Identity for Rosa {
    type Caregiver = &'static str;
    fn is_birth_date(&self, keys: &str) -> bool {
        keys == "04121948"
    }
    fn is_call_code(&self, keys: &str) -> bool {
        keys == "4821"
    }
    fn caregiver(&self, keys: &str) -> Option<&'static str> {
        (keys == "7733").then_some("daughter")
    }
}

fn play(keys: &[Option<&str>]) -> (Script, Vec<Turn<&'static str>>) {
    let mut script = Script::default();
    let turns = std::iter::once(&None).chain(keys).map(|keys| script.step(*keys, &Rosa)).collect();
    (script, turns)
}

#[test]
fn the_patient_proves_who_they_are_with_two_factors() {
    let (script, turns) = play(&[Some("1"), Some("04121948"), Some("4821"), Some("1")]);
    assert_eq!(turns[3], Turn::Proven);
    assert_eq!(turns[4], Turn::Recorded(Recording::Allowed));
    assert_eq!(script.scene, Scene::InConference);
}

#[test]
fn three_wrong_dates_of_birth_end_the_call() {
    let (script, turns) = play(&[Some("1"), Some("01011950"), Some("01011951"), Some("01011952"), Some("04121948")]);
    assert_eq!(turns[4], Turn::Refused);
    assert_eq!(turns[5], Turn::Late, "the right date after the end opens nothing");
    assert_eq!(script.scene, Scene::Over);
}

#[test]
fn wrong_entries_count_over_both_factors() {
    let (_, turns) = play(&[Some("1"), Some("01011950"), Some("04121948"), Some("0000"), Some("1111")]);
    assert_eq!(turns[5], Turn::Refused);
}

#[test]
fn a_machine_that_presses_nothing_is_nobody() {
    let (_, turns) = play(&[None, None]);
    assert_eq!(turns[2], Turn::Nobody);
}

#[test]
fn silence_about_recording_is_no_consent_but_the_call_goes_on() {
    let (_, turns) = play(&[Some("1"), Some("04121948"), Some("4821"), None, None]);
    assert_eq!(turns[5], Turn::Recorded(Recording::Refused));
}

#[test]
fn a_caregiver_needs_their_own_code_and_the_patients_date_of_birth() {
    let (_, turns) = play(&[Some("2"), Some("7733"), Some("04121948"), Some("2")]);
    assert_eq!(turns[2], Turn::Caregiver("daughter"));
    assert_eq!(turns[3], Turn::Proven);
    assert_eq!(turns[4], Turn::Recorded(Recording::Refused));
}

#[test]
fn nothing_said_before_identity_names_the_service_or_a_person() {
    for language in [Language::English, Language::Spanish] {
        let before = [Prompt::WhoIsThere, Prompt::BirthDate, Prompt::CallCode, Prompt::CaregiverCode];
        let spoken = before
            .map(|prompt| words(&ask(language, Lead::DidNotMatch, prompt, "Riverside Hospice")))
            .into_iter()
            .chain([Parting::NotProven, Parting::Nobody, Parting::CaregiverMayNot].map(|p| words(&part(language, p))));
        for text in spoken {
            for forbidden in
                ["riverside", "hospice", "palliative", "nurse", "enfermer", "care team", "clinic", "health"]
            {
                assert!(!text.to_lowercase().contains(forbidden), "{text:?} says {forbidden:?}");
            }
        }
    }
    // The control: after identity the organization is named, so the check above can see a name.
    let consent = words(&ask(Language::English, Lead::Fresh, Prompt::MayRecord, "Riverside Hospice"));
    assert!(consent.to_lowercase().contains("riverside"));
}

fn words(speech: &Speech) -> String {
    match speech {
        Speech::Ask { text, .. }
        | Speech::Farewell { text, .. }
        | Speech::Join { text, .. }
        | Speech::Visit { text, .. }
        | Speech::Moment { text, .. }
        | Speech::OnHold { text, .. }
        | Speech::Announcement { text, .. } => text.clone(),
    }
}

proptest! {
    #[test]
    fn nobody_gets_in_without_both_factors(keys in proptest::collection::vec(proptest::option::of("[0-9]{1,8}|1|2|04121948"), 0..20)) {
        // 4821 and 7733 are never drawn at eight digits; skip the rare draw that happens to be one of them.
        prop_assume!(!keys.iter().flatten().any(|keys| keys == "4821" || keys == "7733"));
        let mut script = Script::default();
        let mut wrong = 0;
        for keys in std::iter::once(None).chain(keys) {
            let before = script.wrong;
            let turn = script.step(keys.as_deref(), &Rosa);
            wrong += u32::from(script.wrong > before);
            prop_assert!(!matches!(turn, Turn::Proven | Turn::Recorded(_)));
        }
        prop_assert!(wrong <= u32::from(MOST_WRONG_ENTRIES));
    }
}
