//! A check-in by keypad as a rule: keys lead where a nurse's form leads, a person is never further than two keys away, and no
//! order of keys hangs, skips a red flag or makes up an answer.

use crate::support::protocol::{check_in_files, dyspnea};
use careline::domain::{
    check_in::{Dialogue, Lead, MOST_SILENCES, MOST_TRIES, Move, Sheet, Spoken, level},
    disposition::Disposition,
    people::Language,
    protocol::{Evaluation, Inputs, Package, evaluate, read_package},
    script::Speech,
};
use proptest::prelude::*;
use std::sync::LazyLock;

/// The shipped check-in, read once for all the cases of a property.
pub fn package() -> &'static Package {
    static PACKAGE: LazyLock<Package> =
        LazyLock::new(|| read_package(&check_in_files()).expect("the shipped check-in has no fault"));
    &PACKAGE
}

/// What an automatic voice brings about that is answered with these codes in turn: inputs, and what came of them.
pub fn by_keys(package: &Package, codes: &[String]) -> (Inputs, Evaluation) {
    let sheet = Sheet::of(package).unwrap();
    let mut dialogue = Dialogue::default();
    let mut inputs = Inputs::default();
    let mut found = evaluate(&package.protocol, &inputs);
    for code in codes {
        let keys = match code.as_str() {
            "yes" => "1",
            "no" => "2",
            number => number,
        };
        let Move::Took { question, code } = dialogue.step(&sheet, Some(keys)) else { panic!("{keys} is an answer") };
        inputs.answers.insert(question.clone(), package.protocol.read_answer(&question, &code).unwrap());
        found = evaluate(&package.protocol, &inputs);
        if found.ends_questions || dialogue.go_on(&sheet, &code) == Move::Over {
            break;
        }
    }
    (inputs, found)
}

/// The same answers as a nurse's form sends them.
pub fn by_form(package: &Package, given: &Inputs) -> Evaluation {
    let mut inputs = Inputs::default();
    for (question, answer) in &given.answers {
        inputs.answers.insert(question.clone(), package.protocol.read_answer(question, &answer.code()).unwrap());
    }
    evaluate(&package.protocol, &inputs)
}

/// Nine answers to the screen, nearly always "no", then nine numbers.
fn answers() -> impl Strategy<Value = Vec<String>> {
    let flag = prop_oneof![40 => Just("no".to_owned()), 1 => Just("yes".to_owned())];
    let number = (0_u8..=10).prop_map(|number| number.to_string());
    (prop::collection::vec(flag, 9), prop::collection::vec(number, 9)).prop_map(|(mut flags, numbers)| {
        flags.extend(numbers);
        flags
    })
}

proptest! {
    #[test]
    fn whatever_is_pressed_the_level_is_the_one_of_a_nurse_with_the_same_answers(codes in answers()) {
        let package = package();
        let (inputs, found) = by_keys(package, &codes);
        prop_assert_eq!(&found, &by_form(package, &inputs));
        let screened = codes.iter().take(9).position(|code| code == "yes");
        prop_assert_eq!(found.ends_questions, screened.is_some(), "a red flag ends the questions, nothing else does");
        prop_assert_eq!(inputs.answers.len(), screened.map_or(18, |place| place + 1));
        if screened.is_some() {
            prop_assert_eq!(found.disposition, Some(Disposition::EmergencyNow));
        }
    }

    #[test]
    fn no_order_of_keys_makes_up_an_answer_passes_over_a_red_flag_or_goes_on_for_ever(
        keys in prop::collection::vec(prop::option::of("[0-9*#]{0,3}"), 1..200)
    ) {
        let package = package();
        let sheet = Sheet::of(package).unwrap();
        let mut dialogue = Dialogue::default();
        for pressed in &keys {
            let before = dialogue.place;
            match dialogue.step(&sheet, pressed.as_deref()) {
                Move::Took { question, code } => {
                    prop_assert!(package.protocol.read_answer(&question, &code).is_ok());
                    prop_assert!(pressed.is_some());
                    if dialogue.go_on(&sheet, &code) == Move::Over { break; }
                }
                Move::Ask(lead) => {
                    let passed = sheet.at(before).unwrap();
                    prop_assert!(lead != Lead::Skipped || !passed.is_red_flag);
                    prop_assert!(dialogue.place <= before || lead == Lead::Skipped);
                    prop_assert!(dialogue.tries < MOST_TRIES && dialogue.silences < MOST_SILENCES);
                }
                Move::Person | Move::Silent | Move::Over => break,
            }
        }
    }
}

#[test]
fn a_changed_threshold_in_a_copy_of_the_package_is_noticed() {
    let mut files = check_in_files();
    let text = files.get_mut("protocol.yaml").unwrap();
    *text = text.replacen("{q: esas_pain, gte: 7}", "{q: esas_pain, gte: 9}", 1);
    let changed = read_package(&files).unwrap();
    let codes: Vec<String> =
        std::iter::repeat_n("no", 9).chain(["7", "0", "0", "0", "0", "0", "0", "0", "0"]).map(str::to_owned).collect();
    let (inputs, found) = by_keys(package(), &codes);
    assert_eq!(found.disposition, Some(Disposition::Clinician1h));
    assert_ne!(found, by_form(&changed, &inputs), "the comparison of the property above sees a different threshold");
}

#[test]
fn a_person_is_two_keys_away_at_every_question() {
    let package = package();
    let sheet = Sheet::of(package).unwrap();
    assert_eq!(sheet.len(), 18);
    for place in 0..sheet.len() {
        for keys in ["99", "*0"] {
            let mut dialogue = Dialogue { place, ..Dialogue::default() };
            assert_eq!(dialogue.step(&sheet, Some(keys)), Move::Person, "{keys} at {place}");
        }
    }
    // Where one key is taken, the first of the two is enough; and 9 is a number where numbers are asked.
    assert_eq!(Dialogue::default().step(&sheet, Some("9")), Move::Person);
    let nine = Dialogue { place: 9, ..Dialogue::default() }.step(&sheet, Some("9"));
    assert_eq!(nine, Move::Took { question: "esas_pain".to_owned(), code: "9".to_owned() });
}

#[test]
fn zero_is_an_answer_and_eleven_is_asked_again_in_plain_words_and_then_left_to_a_nurse() {
    let package = package();
    let sheet = Sheet::of(package).unwrap();
    let mut dialogue = Dialogue { place: 9, ..Dialogue::default() };
    assert!(matches!(dialogue.clone().step(&sheet, Some("0")), Move::Took { code, .. } if code == "0"));
    assert_eq!(dialogue.step(&sheet, Some("11")), Move::Ask(Lead::NotUnderstood));
    let spoken = words(package).ask(&sheet, dialogue.place, &Lead::NotUnderstood);
    assert!(text(&spoken).starts_with("Please enter a number from 0 to 10"), "{spoken:?}");
    assert_eq!(dialogue.step(&sheet, Some("88")), Move::Ask(Lead::NotUnderstood));
    assert_eq!(dialogue.step(&sheet, Some("77")), Move::Ask(Lead::Skipped));
    assert_eq!(dialogue.place, 10);
    // A red flag is never passed over: whoever cannot answer it by keys has a person.
    let mut flag = Dialogue::default();
    let moves: Vec<Move> = (0..MOST_TRIES).map(|_| flag.step(&sheet, Some("5"))).collect();
    assert_eq!(moves.last(), Some(&Move::Person));
}

#[test]
fn what_nobody_answered_is_looked_at_today_at_the_latest() {
    let package = package();
    let codes: Vec<String> = std::iter::repeat_n("no".to_owned(), 9).chain(["1".to_owned()]).collect();
    let (_, found) = by_keys(package, &codes);
    assert_eq!(level(&found), Disposition::SameDay);
    let screen_broken_off = by_keys(package, &codes[..4]).1;
    assert_eq!(level(&screen_broken_off), Disposition::Clinician1h, "red flags that were not asked hold the floor");
}

#[test]
fn a_protocol_with_no_words_for_a_machine_is_not_asked_by_one() {
    let refused = Sheet::of(&dyspnea()).unwrap_err().to_string();
    assert!(refused.contains("Breathlessness") && refused.contains("choose"), "{refused}");
    let mut files = check_in_files();
    let spanish = files.get_mut("i18n/es-US.yaml").unwrap();
    *spanish =
        spanish.lines().filter(|line| !line.starts_with("script.check_in.alone:")).collect::<Vec<_>>().join("\n");
    let refused = Sheet::of(&read_package(&files).unwrap()).unwrap_err().to_string();
    assert!(refused.contains("script.check_in.alone") && refused.contains("es-US"), "{refused}");
}

#[test]
fn what_the_voice_says_in_each_language() {
    let package = package();
    let sheet = Sheet::of(package).unwrap();
    let mut said = Vec::new();
    for language in [Language::English, Language::Spanish] {
        let spoken = Spoken { language, ..words(package) };
        said.push(format!("--- {language:?}"));
        for place in 0..sheet.len() {
            let lead = if place == 0 { Lead::Begin } else { Lead::Took("7".to_owned()) };
            said.push(text(&spoken.ask(&sheet, place, &lead)));
        }
        said.push(text(&spoken.alone(Some("rf_u_chest_pain"))));
        said.push(text(&spoken.alone(Some("rf_u_suicidal"))));
        said.push(text(&spoken.farewell("script.check_in.end")));
    }
    let said = said.join("\n");
    assert!(!said.contains('{') && !said.contains("script."), "a blank was left open: {said}");
    insta::assert_snapshot!(said);
}

fn words(package: &Package) -> Spoken<'_> {
    Spoken { package, language: Language::English, organization: "Riverside Home Hospice", emergency_number: "911" }
}

fn text(speech: &Speech) -> String {
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
