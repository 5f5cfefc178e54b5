//! A malformed protocol is refused with the file, the line and the rule it breaks; every fault is named at once.

use crate::support::protocol::{dyspnea, dyspnea_files, faults, line_of, with};
use careline::domain::protocol::{dose_in, read_package};

const LOGIC: &str = "protocol.yaml";

/// Breaks the shipped package in one place and expects a fault of that rule on that line.
#[track_caller]
fn refuses(file: &str, from: &str, to: &str, rule: &str) {
    let line = line_of(file, from);
    let faults = faults(&with(file, from, to));
    let named = faults.iter().any(|fault| fault.file == file && fault.line == Some(line) && fault.rule == rule);
    assert!(named, "expected {rule} on line {line} of {file}, found {faults:#?}");
}

#[test]
fn an_operator_nobody_knows_is_refused() {
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now, greater_than: 7}", "unknown-operator");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now, \">=\": 7}", "unknown-operator");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now, gte: 7, lt: 9}", "unknown-operator");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now}", "no-operator");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{gte: 7}", "no-source");
}

#[test]
fn an_option_nobody_offers_is_refused() {
    refuses(LOGIC, "{q: sputum, is: frank_blood}", "{q: sputum, is: purple}", "unknown-option");
    refuses(LOGIC, "{q: sputum, is: frank_blood}", "{q: sputum, in: []}", "empty-list");
}

#[test]
fn a_comparison_that_does_not_fit_its_question_is_refused() {
    refuses(LOGIC, "{q: chest_pain, is: true}", "{q: chest_pain, gte: 1}", "wrong-type");
    refuses(LOGIC, "{q: chest_pain, is: true}", "{q: chest_pain, is: \"true\"}", "wrong-type");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now, gte: 11}", "out-of-range");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now, gte: \"7\"}", "wrong-shape");
    refuses(LOGIC, "{q: sob_now, between: [4, 6]}", "{q: sob_now, between: [6, 4]}", "wrong-range");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_today, gte: 7}", "unknown-name");
    refuses(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now, is: unknown}", "wrong-type");
}

#[test]
fn a_rule_without_a_basis_that_exists_is_refused() {
    refuses(
        LOGIC,
        "{id: mild, when: {q: sob_now, lte: 3}, disposition: self_care, basis: [ref.esas_cut]}",
        "{id: mild, when: {q: sob_now, lte: 3}, disposition: self_care}",
        "rule-without-basis",
    );
    refuses(
        LOGIC,
        "{id: mild, when: {q: sob_now, lte: 3}, disposition: self_care, basis: [ref.esas_cut]}",
        "{id: mild, when: {q: sob_now, lte: 3}, disposition: self_care, basis: []}",
        "rule-without-basis",
    );
    refuses(
        LOGIC,
        "disposition: self_care, basis: [ref.esas_cut]",
        "disposition: self_care, basis: [ref.hearsay]",
        "unknown-reference",
    );
}

#[test]
fn unknown_keys_values_and_levels_are_refused() {
    refuses(LOGIC, "review_due: 2027-12-31", "reviewed: 2027-12-31", "unknown-key");
    refuses(LOGIC, "{id: sob_usual, type: nrs,", "{id: sob_usual, type: nrs, weight: 3,", "unknown-key");
    refuses(LOGIC, "status: draft", "status: nearly_done", "unknown-value");
    refuses(LOGIC, "{id: sob_usual, type: nrs,", "{id: sob_usual, type: slider,", "unknown-value");
    refuses(LOGIC, "disposition: self_care, basis", "disposition: tomorrow, basis", "unknown-disposition");
    refuses(LOGIC, "disposition: self_care, basis", "disposition: hospice_now, basis", "hospice-without-overlay");
}

#[test]
fn the_header_must_make_sense() {
    let schema = faults(&with(LOGIC, "careline.protocol/1", "careline.protocol/2"));
    assert!(schema.iter().any(|fault| fault.rule == "unknown-schema"), "{schema:#?}");
    let version = faults(&with(LOGIC, "version: 1.0.0", "version: \"1.0\""));
    assert!(version.iter().any(|fault| fault.rule == "bad-version"), "{version:#?}");
    refuses(LOGIC, "until: null", "until: 2027-01-15", "ends-before-it-begins");
    refuses(LOGIC, "from: 2027-01-15", "from: soon", "bad-date");
    refuses(LOGIC, "title: {t: title}", "title: Breathlessness", "text-in-logic");
}

#[test]
fn red_flags_stay_on_their_screen_and_are_never_optional() {
    refuses(
        LOGIC,
        "{id: rf_confused, when: {q: new_confusion, is: true}",
        "{id: rf_confused, when: {q: sob_now, gte: 9}",
        "red-flag-outside-screen",
    );
    refuses(
        LOGIC,
        "{id: rf_confused, when: {q: new_confusion, is: true}",
        "{id: rf_confused, when: {f: home_oxygen, is: true}",
        "red-flag-outside-screen",
    );
    refuses(
        LOGIC,
        "{id: lips_blue, type: boolean,",
        "{id: lips_blue, type: boolean, optional: true,",
        "red-flag-not-always-asked",
    );
    refuses(
        LOGIC,
        "{id: lips_blue, type: boolean,",
        "{id: lips_blue, type: boolean, enable_when: {q: can_speak, is: true},",
        "red-flag-not-always-asked",
    );
    let mut files = dyspnea_files();
    let logic = files.get_mut(LOGIC).expect("there");
    *logic = logic
        .lines()
        .filter(|line| !line.contains("{id: rf_") || line.contains("rf_airway"))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(faults(&files).iter().any(|fault| fault.rule == "too-few-red-flags"));
}

#[test]
fn a_question_may_stand_for_a_universal_one_only_if_it_is_as_strict() {
    refuses(LOGIC, "stands_for: u_chest_pain", "stands_for: u_toothache", "unknown-name");
    let weakened = with(
        LOGIC,
        "{id: rf_chest_pain, when: {q: chest_pain, is: true}, disposition: emergency_now",
        "{id: rf_chest_pain, when: {q: chest_pain, is: true}, disposition: clinician_1h",
    );
    assert!(faults(&weakened).iter().any(|fault| fault.rule == "universal-screen-weakened"));
}

#[test]
fn nothing_is_less_urgent_than_the_law_of_the_house() {
    refuses(LOGIC, "floor: clinician_1h", "floor: same_day", "floor-too-low");
    refuses(LOGIC, "remap: {emergency_now: hospice_now}", "remap: {emergency_now: same_day}", "overlay-lowers-urgency");
    refuses(LOGIC, "remap: {emergency_now: hospice_now}", "remap: {clinician_1h: hospice_now}", "unknown-key");
}

#[test]
fn every_level_that_is_used_says_what_happens_then() {
    refuses_somewhere(
        "  same_day: [{task: care_coordinator, due: PT4H, else: on_call_clinician}]\n",
        "",
        "level-without-escalation",
    );
    refuses_somewhere("  same_day: {within: PT24H}\n", "", "level-without-follow-up");
    refuses(LOGIC, "else: emergency_now}]", "else: care_coordinator}]", "escalation-without-end");
    refuses(LOGIC, "{within: P3D, safety_net: {t: net.worse}}", "{within: P3D}", "self-care-without-safety-net");
    refuses(LOGIC, "{within: PT24H}", "{within: tomorrow}", "bad-duration");
}

#[track_caller]
fn refuses_somewhere(from: &str, to: &str, rule: &str) {
    let faults = faults(&with(LOGIC, from, to));
    assert!(
        faults.iter().any(|fault| fault.rule == rule && fault.line.is_some()),
        "expected {rule}, found {faults:#?}"
    );
}

#[test]
fn advice_without_medicine_may_not_look_like_a_dose_in_any_language() {
    for (file, from, to) in [
        ("i18n/en-US.yaml", "Point a small fan", "Take 5 mg and point a small fan"),
        ("i18n/es-US.yaml", "Dirija un ventilador pequeño", "Tome dos gotas y dirija un ventilador pequeño"),
    ] {
        let faults = faults(&with(file, from, to));
        let line = line_of(LOGIC, "id: ca_fan");
        let named = faults.iter().any(|fault| fault.rule == "dose-in-care-advice" && fault.line == Some(line));
        assert!(named, "{faults:#?}");
    }
}

#[test]
fn doses_are_recognised_and_ordinary_numbers_are_not() {
    for dose in
        ["take 5 mg", "2.5mg every hour", "two puffs", "1/2 tablet", "set it to 3 L/min", "una pastilla", "10mcg/h"]
    {
        assert!(dose_in(dose).is_some(), "{dose}");
    }
    for plain in ["7 or more", "38.0 °C (100.4 °F)", "within 24 hours", "two or three words", "90 %", "911"] {
        assert_eq!(dose_in(plain), None, "{plain}");
    }
}

#[test]
fn every_language_is_complete_and_nothing_is_left_over() {
    let missing = faults(&with("i18n/es-US.yaml", "q.spo2:", "q.spo2_:"));
    let line = line_of(LOGIC, "id: spo2,");
    assert!(
        missing.iter().any(|fault| fault.rule == "missing-text"
            && fault.line == Some(line)
            && fault.message.contains("q.spo2")
            && fault.message.contains("es-US")),
        "{missing:#?}"
    );
    assert!(missing.iter().any(|fault| fault.rule == "unused-text" && fault.message.contains("q.spo2_")));
    let mut files = dyspnea_files();
    files.remove("i18n/es-US.yaml");
    assert!(faults(&files).iter().any(|fault| fault.file == "i18n/es-US.yaml" && fault.rule == "missing-file"));
}

#[test]
fn every_paragraph_of_the_guidance_has_an_anchor_of_its_own() {
    let file = "guidance.md";
    let text = &dyspnea_files()[file];
    let paragraph = |needle: &str| {
        let at = text.lines().position(|line| line.contains(needle)).expect("there");
        let before = text.lines().take(at).collect::<Vec<_>>();
        u32::try_from(before.iter().rposition(|line| line.is_empty()).expect("a gap") + 2).expect("short")
    };
    for (from, to, rule, needle) in [
        ("{#dys-003}", "", "missing-anchor", "{#dys-003}"),
        ("{#dys-003}", "{#dys-002}", "duplicate-anchor", "{#dys-003}"),
        ("{#dys-003}", "{#DYS 3}", "bad-id", "{#dys-003}"),
        ("{#dys-002} [emergency]", "{#dys-002} [urgent]", "unknown-tag", "{#dys-002}"),
        ("{#dys-003}", "Give 5 mg. {#dys-003}", "dose-without-tag", "{#dys-003}"),
    ] {
        let faults = faults(&with(file, from, to));
        let line = paragraph(needle);
        let named = faults.iter().any(|fault| fault.file == file && fault.rule == rule && fault.line == Some(line));
        assert!(named, "expected {rule} on line {line}, found {faults:#?}");
    }
}

#[test]
fn scenarios_are_read_as_strictly_as_the_protocol() {
    let file = "scenarios.yaml";
    refuses(file, "set: {sob_now: 10, sob_usual: 10}", "set: {sob_now: 11, sob_usual: 10}", "bad-answer");
    refuses(file, "fired: [rf_confused]", "fired: [rf_dizzy]", "unknown-name");
    refuses(file, "unset: [u_seizure]", "unset: [u_dream]", "unknown-name");
    refuses(
        file,
        "{id: clear_sputum, set: {sputum: clear}, expect: {disposition: self_care, not_fired: [amber_sputum]}}",
        "{id: clear_sputum, set: {sputum: clear}, expect: {}}",
        "expects-nothing",
    );
}

#[test]
fn names_that_turn_in_a_circle_are_refused() {
    let faults = faults(&with(
        LOGIC,
        "{id: amber_fever, when: {q: temp_c, gte: 38.0}",
        "{id: amber_fever, when: {rule: two_ambers}",
    ));
    assert!(faults.iter().any(|fault| fault.rule == "circle"), "{faults:#?}");
}

#[test]
fn every_fault_is_named_at_once() {
    let mut files = with(LOGIC, "{q: sob_now, gte: 7}", "{q: sob_now, greater_than: 7}");
    let logic = files.get_mut(LOGIC).expect("there");
    *logic = logic.replace("status: draft", "status: nearly_done").replace("floor: clinician_1h", "floor: self_care");
    let rules: Vec<String> = faults(&files).into_iter().map(|fault| fault.rule).collect();
    for rule in ["unknown-operator", "unknown-value", "floor-too-low"] {
        assert!(rules.iter().any(|found| found == rule), "{rule} is not among {rules:?}");
    }
}

#[test]
fn a_file_that_is_not_yaml_names_its_line() {
    let faults = faults(&with(LOGIC, "jurisdictions: [US]", "jurisdictions: [US"));
    let fault = faults.iter().find(|fault| fault.rule == "not-yaml").expect("it is named");
    assert!(fault.line.is_some_and(|line| line > 1), "{fault:?}");
    let twice = with(LOGIC, "status: draft", "status: draft\nstatus: approved");
    assert!(read_package(&twice).is_err(), "a key that stands twice is refused");
}

#[test]
fn the_hash_is_of_the_content_and_of_nothing_else() {
    let package = dyspnea();
    let again = read_package(&package.files).expect("a stored package reads as it did");
    assert_eq!(package.sha256, again.sha256);
    let mut files = dyspnea_files();
    for text in files.values_mut() {
        *text = text.replace('\n', "\r\n");
    }
    assert_eq!(read_package(&files).expect("line ends do not matter").sha256, package.sha256);
    files = dyspnea_files();
    files.insert("approvals.yaml".to_owned(), "[]".to_owned());
    assert_eq!(read_package(&files).expect("approvals are beside the content").sha256, package.sha256);
    let changed = read_package(&with("guidance.md", "Fear makes breathing faster", "Fear makes breathing slower"));
    assert_ne!(changed.expect("it reads").sha256, package.sha256);
}
