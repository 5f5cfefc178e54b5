//! The evaluator: most urgent wins, three truth values, and nothing that is missing reads as "no".

use crate::support::protocol::{all_well, answered, dyspnea, with};
use careline::domain::{
    disposition::Disposition,
    protocol::{
        Evaluation, Inputs, Package,
        evaluate::{Because, OverlayOutcome, evaluate},
        expression::Truth,
        read_package,
    },
};

const NEEDS: [&str; 3] = ["nurse_confirms_plan_current", "caller_agrees", "team_reachable_now"];

fn after(package: &Package, answers: &[(&str, &str)]) -> Evaluation {
    evaluate(&package.protocol, &answered(&package.protocol, all_well(package), answers))
}

fn comfort(package: &Package, answers: &[(&str, &str)], confirmed: &[&str]) -> Evaluation {
    let mut inputs = answered(&package.protocol, all_well(package), answers);
    inputs.facts.insert("comfort_only_plan".to_owned(), true);
    inputs.confirmed = confirmed.iter().map(|need| (*need).to_owned()).collect();
    evaluate(&package.protocol, &inputs)
}

#[test]
fn every_scenario_of_the_shipped_protocol_comes_out_as_written() {
    let package = dyspnea();
    for scenario in &package.scenarios {
        let evaluation = evaluate(&package.protocol, &scenario.inputs);
        if let Some(expected) = scenario.expect.disposition {
            assert_eq!(evaluation.disposition, Some(expected), "{}", scenario.id);
        }
        for rule in &scenario.expect.fired {
            assert!(evaluation.has_fired(rule), "{}: {rule}", scenario.id);
        }
        for rule in &scenario.expect.not_fired {
            assert!(!evaluation.has_fired(rule), "{}: {rule}", scenario.id);
        }
    }
}

#[test]
fn unknown_spreads_only_as_far_as_it_must() {
    use Truth::{False, True, Unknown};
    assert_eq!(Truth::all([True, Unknown, False]), False);
    assert_eq!(Truth::all([True, Unknown]), Unknown);
    assert_eq!(Truth::any([False, Unknown, True]), True);
    assert_eq!(Truth::any([False, Unknown]), Unknown);
    assert_eq!(!Unknown, Unknown);
    assert_eq!(Truth::all([]), True);
    assert_eq!(Truth::any([]), False);
}

#[test]
fn nothing_asked_is_a_clinician_and_never_self_care() {
    let package = dyspnea();
    let evaluation = evaluate(&package.protocol, &Inputs::default());
    assert_eq!(evaluation.disposition, Some(Disposition::Clinician1h));
    assert!(evaluation.floor.is_some_and(|floor| floor.raised));
    assert_eq!(evaluation.unanswered_red_flags.len(), 15, "eight universal red flags and seven of its own");
    assert_eq!(evaluation.missing_required, ["sob_now", "sob_usual"]);
    assert!(evaluation.fired.is_empty());
}

#[test]
fn zero_is_an_answer() {
    let package = dyspnea();
    let evaluation = after(&package, &[("sob_now", "0"), ("sob_usual", "0")]);
    assert!(evaluation.has_fired("mild"));
    assert!(evaluation.missing_required.is_empty());
}

#[test]
fn every_rule_that_holds_is_kept_with_the_answers_that_fired_it() {
    let package = dyspnea();
    let evaluation = after(&package, &[("sob_now", "5"), ("sob_usual", "1")]);
    let rules: Vec<&str> = evaluation.fired.iter().map(|fired| fired.rule.as_str()).collect();
    assert_eq!(rules, ["rise3", "amber_moderate"], "the most urgent first");
    let answer =
        |question: &str, value: &str| Because::Answer { question: question.to_owned(), value: value.to_owned() };
    assert_eq!(evaluation.fired[0].because, [answer("sob_now", "5"), answer("sob_usual", "1")]);
}

#[test]
fn a_red_flag_ends_the_questions_and_bars_no_signature() {
    let package = dyspnea();
    let mut inputs = Inputs::default();
    inputs = answered(&package.protocol, inputs, &[("chest_pain", "yes")]);
    let evaluation = evaluate(&package.protocol, &inputs);
    assert!(evaluation.ends_questions);
    assert_eq!(evaluation.disposition, Some(Disposition::EmergencyNow));
    assert!(evaluation.missing_required.is_empty());
    assert!(!evaluation.unanswered_red_flags.is_empty());
    assert!(evaluation.floor.is_some_and(|floor| !floor.raised), "the floor is below what fired");
}

#[test]
fn an_urgent_rule_that_lacks_only_a_fact_of_the_chart_fires() {
    let package = dyspnea();
    let mut inputs = answered(&package.protocol, all_well(&package), &[("spo2", "86")]);
    inputs.facts.remove("home_oxygen");
    let evaluation = evaluate(&package.protocol, &inputs);
    for rule in ["low_spo2", "low_spo2_on_o2"] {
        let fired = evaluation.fired.iter().find(|fired| fired.rule == rule).expect("it fires");
        assert!(fired.because.contains(&Because::FactNotKnown { fact: "home_oxygen".to_owned() }));
    }
}

#[test]
fn a_rule_of_no_urgency_waits_for_the_chart() {
    let package = dyspnea();
    let mut inputs = answered(&package.protocol, all_well(&package), &[("spo2", "89")]);
    inputs.facts.remove("home_oxygen");
    let evaluation = evaluate(&package.protocol, &inputs);
    assert!(evaluation.has_fired("low_spo2"));
    assert!(!evaluation.has_fired("lowish_spo2_on_o2"), "same_day is not urgent enough to presume");
    let open = evaluation.undecided.iter().find(|open| open.rule == "lowish_spo2_on_o2").expect("it is undecided");
    assert_eq!(open.lacks, ["home_oxygen"]);
}

#[test]
fn a_question_nobody_asked_is_presumed_by_nobody() {
    let package = dyspnea();
    let mut inputs = all_well(&package);
    inputs.facts.clear();
    let evaluation = evaluate(&package.protocol, &inputs);
    assert!(!evaluation.has_fired("low_spo2"), "no oximeter in the home fires nothing");
    assert!(evaluation.undecided.iter().any(|open| open.rule == "low_spo2"));
    assert_eq!(evaluation.disposition, Some(Disposition::SelfCare));
}

#[test]
fn a_count_is_decided_as_soon_as_it_can_be() {
    let package = dyspnea();
    let two = after(&package, &[("sob_now", "5"), ("sob_usual", "5"), ("sputum", "yellow_green")]);
    assert!(two.has_fired("two_ambers"), "two are two, whatever the temperature nobody measured");
    let one = after(&package, &[("sob_now", "5"), ("sob_usual", "5")]);
    assert!(!one.has_fired("two_ambers"));
    let open = one.undecided.iter().find(|open| open.rule == "two_ambers").expect("a fever would make it two");
    assert_eq!(open.lacks, ["temp_c"]);
    let none = after(&package, &[("temp_c", "36.6")]);
    assert!(none.undecided.iter().all(|open| open.rule != "two_ambers"), "all three are known not to hold");
}

#[test]
fn the_comfort_path_needs_every_confirmation() {
    let package = dyspnea();
    let all = comfort(&package, &[("lips_blue", "yes")], &NEEDS);
    assert_eq!(all.disposition, Some(Disposition::HospiceNow));
    assert!(all.has_fired("rf_airway"), "the red flag is still shown");
    for missing in NEEDS {
        let given: Vec<&str> = NEEDS.into_iter().filter(|need| *need != missing).collect();
        let stands = comfort(&package, &[("lips_blue", "yes")], &given);
        assert_eq!(stands.disposition, Some(Disposition::EmergencyNow), "without {missing}");
        let OverlayOutcome::Stands { missing: told, .. } = stands.overlay else { panic!("{:?}", stands.overlay) };
        assert_eq!(told, [missing]);
    }
}

#[test]
fn causes_that_are_always_treated_keep_emergency_services() {
    let package = dyspnea();
    for cause in ["u_choking", "u_seizure", "u_suicidal"] {
        let evaluation = comfort(&package, &[(cause, "yes"), ("lips_blue", "yes")], &NEEDS);
        assert_eq!(evaluation.disposition, Some(Disposition::EmergencyNow), "{cause}");
    }
}

#[test]
fn a_plan_nobody_knows_of_changes_nothing_and_says_so() {
    let package = dyspnea();
    let mut inputs = answered(&package.protocol, all_well(&package), &[("lips_blue", "yes")]);
    inputs.facts.remove("comfort_only_plan");
    inputs.confirmed = NEEDS.iter().map(|need| (*need).to_owned()).collect();
    let evaluation = evaluate(&package.protocol, &inputs);
    assert_eq!(evaluation.disposition, Some(Disposition::EmergencyNow));
    assert!(matches!(evaluation.overlay, OverlayOutcome::Stands { plan_not_known: true, .. }));
}

#[test]
fn advice_that_depends_on_what_is_not_known_is_held_back() {
    let package = dyspnea();
    let mut inputs = answered(&package.protocol, all_well(&package), &[("sob_now", "8"), ("sob_usual", "8")]);
    let known = evaluate(&package.protocol, &inputs);
    assert!(known.care_advice.contains(&"ca_own_plan".to_owned()));
    inputs.facts.remove("actively_dying");
    let unknown = evaluate(&package.protocol, &inputs);
    assert!(unknown.withheld_advice.contains(&"ca_own_plan".to_owned()));
    assert!(!unknown.care_advice.contains(&"ca_own_plan".to_owned()));
}

#[test]
fn each_level_says_who_is_told_and_when_somebody_looks_again() {
    let package = dyspnea();
    let evaluation = after(&package, &[("chest_pain", "yes")]);
    assert_eq!(evaluation.follow_up_within_minutes, Some(120));
    assert_eq!(evaluation.escalation.len(), 3);
    assert_eq!(after(&package, &[("sputum", "frank_blood")]).also_run, ["bleeding"]);
}

#[test]
fn a_question_that_is_not_asked_any_more_does_not_count() {
    let files = with(
        "protocol.yaml",
        "{id: temp_c, type: decimal,",
        "{id: temp_c, enable_when: {q: sputum, in: [yellow_green, blood_streaked]}, type: decimal,",
    );
    let package = read_package(&files).expect("it reads");
    assert!(!after(&package, &[("temp_c", "39")]).has_fired("amber_fever"));
    assert!(after(&package, &[("temp_c", "39"), ("sputum", "yellow_green")]).has_fired("amber_fever"));
}

#[test]
fn answers_are_refused_with_what_is_allowed() {
    let package = dyspnea();
    let protocol = &package.protocol;
    for (question, text, allowed) in [
        ("sob_now", "11", "whole number from 0 to 10"),
        ("sob_now", "7.5", "whole number from 0 to 10"),
        ("sob_now", "", "whole number from 0 to 10"),
        ("spo2", "49.9", "from 50 to 100"),
        ("spo2", "88,5", "a point before decimals"),
        ("temp_c", "100.8", "°F with an F"),
        ("temp_c", "NaN", "from 30 to 43"),
        ("chest_pain", "maybe", "yes or no"),
        ("sputum", "purple", "choose one of none, clear"),
        ("relief_tried", "fan,none", "cannot stand beside"),
        ("relief_tried", "whisky", "choose some of"),
        ("age", "80", "asks no question"),
    ] {
        let fault = protocol.read_answer(question, text).expect_err("it cannot be taken");
        assert_eq!(fault.question, question);
        assert!(fault.message.contains(allowed), "{question} {text}: {}", fault.message);
    }
}

#[test]
fn a_temperature_may_be_given_in_fahrenheit_when_it_says_so() {
    let package = dyspnea();
    let read = |text: &str| package.protocol.read_answer("temp_c", text).expect("it reads").code();
    assert_eq!(read("100.4F"), "38");
    assert_eq!(read("100.4 °F"), "38");
    assert_eq!(read("100.3 f"), "37.944");
    assert_eq!(read("38.0"), "38");
    assert!(after(&package, &[("temp_c", "100.4F")]).has_fired("amber_fever"));
}

#[test]
fn unusual_answers_are_taken_and_asked_again() {
    let package = dyspnea();
    assert_eq!(after(&package, &[("spo2", "72")]).to_confirm, ["spo2"]);
    assert!(after(&package, &[("spo2", "92")]).to_confirm.is_empty());
}

#[test]
fn what_is_stored_is_read_again_unchanged() {
    let package = dyspnea();
    let inputs =
        answered(&package.protocol, all_well(&package), &[("spo2", "89.95"), ("relief_tried", "fan,position")]);
    let evaluation = evaluate(&package.protocol, &inputs);
    let stored = serde_json::to_value(&inputs).expect("it can be stored");
    assert_eq!(serde_json::from_value::<Inputs>(stored).expect("it reads"), inputs);
    let stored = serde_json::to_value(&evaluation).expect("it can be stored");
    assert_eq!(serde_json::from_value::<Evaluation>(stored).expect("it reads"), evaluation);
}
