//! The examiner, and properties that hold for any answers and any file.

use crate::support::protocol::{all_well, dyspnea, dyspnea_files, with};
use careline::domain::protocol::{
    Answer, Decimal, Inputs, Package, Report, check, evaluate,
    model::{Direction, QuestionKind},
    read_package,
};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::LazyLock};

static PACKAGE: LazyLock<Package> = LazyLock::new(dyspnea);

fn examined(file: &str, from: &str, to: &str) -> Report {
    check(&read_package(&with(file, from, to)).expect("it reads; only its examination fails"))
}

#[test]
fn the_shipped_protocol_notices_every_deliberate_mistake() {
    let report = check(&PACKAGE);
    assert!(report.has_passed(), "{report:#?}");
    assert!(report.killed() * 100 >= report.mutants * 95, "{:?}", report.survivors);
}

#[test]
fn a_scenario_that_comes_out_otherwise_fails_the_examination() {
    let report = examined("protocol.yaml", "{q: sob_now, gte: 7}", "{q: sob_now, gt: 7}");
    assert!(!report.has_passed());
    assert!(report.failed.iter().any(|failed| failed.starts_with("seven_is_severe")), "{:?}", report.failed);
    assert!(report.gaps.iter().any(|gap| gap.contains("sob_now 7")), "a 7 leads nowhere: {:?}", report.gaps);
}

#[test]
fn urgency_that_falls_as_things_get_worse_fails_the_examination() {
    let report = examined(
        "protocol.yaml",
        "{id: severe, when: {q: sob_now, gte: 7}, disposition: clinician_1h",
        "{id: severe, when: {q: sob_now, gte: 7}, disposition: self_care",
    );
    assert!(!report.not_monotone.is_empty());
    assert!(!report.has_passed());
}

#[test]
fn a_rule_no_scenario_fires_fails_the_examination() {
    let report = examined(
        "scenarios.yaml",
        "{id: swollen_face_or_arms, set: {face_arm_swelling: true}, expect: {disposition: clinician_1h, fired: [rf_svco], shown_red_flags: [rf_svco]}}",
        "{id: swollen_face_or_arms, expect: {disposition: self_care}}",
    );
    let covered = report.not_covered.is_empty();
    assert!(covered, "another scenario still fires it");
    let mut files = dyspnea_files();
    let scenarios = files.get_mut("scenarios.yaml").expect("there");
    *scenarios =
        scenarios.lines().filter(|line| !line.contains("face_arm_swelling: true")).collect::<Vec<_>>().join("\n");
    let report = check(&read_package(&files).expect("it reads"));
    assert_eq!(report.not_covered, ["rf_svco never fires"]);
    assert!(!report.has_passed());
}

#[test]
fn scenarios_that_notice_too_little_fail_the_examination() {
    let mut files = dyspnea_files();
    let scenarios = files.get_mut("scenarios.yaml").expect("there");
    *scenarios = scenarios.lines().filter(|line| !line.contains("spo2: ")).collect::<Vec<_>>().join("\n");
    let report = check(&read_package(&files).expect("it reads"));
    assert!(report.survivors.iter().any(|survivor| survivor.starts_with("low_spo2")), "{:?}", report.survivors);
    assert!(!report.has_passed());
}

#[test]
fn a_question_too_long_to_be_read_aloud_fails_the_examination() {
    let long = format!("q.lips_blue: \"{}?\"", "blue ".repeat(26));
    let report = examined("i18n/en-US.yaml", "q.lips_blue: \"Do the lips, tongue or face look blue or gray?\"", &long);
    assert_eq!(report.too_long, ["lips_blue in en-US has 27 words"]);
    assert!(!report.has_passed());
}

/// Any answers a nurse could give, and any that are missing.
fn any_inputs() -> impl Strategy<Value = Inputs> {
    let answers: Vec<_> = PACKAGE
        .protocol
        .questions
        .iter()
        .map(|question| {
            let id = question.id.clone();
            let answer: BoxedStrategy<Option<Answer>> = match &question.kind {
                QuestionKind::YesNo => prop::option::of(any::<bool>().prop_map(Answer::YesNo)).boxed(),
                QuestionKind::Rating { .. } => {
                    prop::option::of((0..=10).prop_map(|step| Answer::Number(Decimal::whole(step)))).boxed()
                }
                QuestionKind::Choice(options) => {
                    prop::option::of(prop::sample::select(options.clone()).prop_map(Answer::Choice)).boxed()
                }
                QuestionKind::Choices(options) => prop::option::of(
                    prop::sample::select(options.clone()).prop_map(|option| Answer::Choices(BTreeSet::from([option]))),
                )
                .boxed(),
                QuestionKind::Number(measure) => {
                    let (low, high) = (measure.plausible.0.truncated(), measure.plausible.1.truncated());
                    prop::option::of(
                        (low * 1000..=high * 1000).prop_map(|value| Answer::Number(Decimal::thousandths(value))),
                    )
                    .boxed()
                }
                other => panic!("the sample protocol asks no {}", other.word()),
            };
            answer.prop_map(move |answer| answer.map(|answer| (id.clone(), answer)))
        })
        .collect();
    let facts = ["comfort_only_plan", "actively_dying", "home_oxygen"];
    let facts = prop::collection::vec(prop::option::of(any::<bool>()), 3).prop_map(move |values| {
        facts.iter().zip(values).filter_map(|(fact, value)| Some(((*fact).to_owned(), value?))).collect()
    });
    let needs =
        prop::sample::subsequence(vec!["nurse_confirms_plan_current", "caller_agrees", "team_reachable_now"], 0..=3);
    (answers, facts, needs).prop_map(|(answers, facts, needs)| Inputs {
        answers: answers.into_iter().flatten().collect(),
        facts,
        confirmed: needs.into_iter().map(str::to_owned).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_worse_number_is_never_less_urgent(inputs in any_inputs(), a in 0i64..=1000, b in 0i64..=1000) {
        for question in &PACKAGE.protocol.questions {
            let Some((low, high)) = question.kind.bounds() else { continue };
            let span = high.truncated() - low.truncated();
            let at = |part: i64| match question.kind {
                QuestionKind::Rating { .. } => Decimal::thousandths(low.truncated() * 1000 + span * part / 1000 * 1000),
                _ => Decimal::thousandths(low.truncated() * 1000 + span * part),
            };
            let (less, more) = (at(a.min(b)), at(a.max(b)));
            let (better, worse) = match question.direction {
                Direction::HigherWorse => (less, more),
                Direction::LowerWorse => (more, less),
                Direction::Neither => continue,
            };
            let level = |value: Decimal| {
                let mut inputs = inputs.clone();
                inputs.answers.insert(question.id.clone(), Answer::Number(value));
                evaluate(&PACKAGE.protocol, &inputs).disposition
            };
            prop_assert!(level(worse) >= level(better), "{} from {better} to {worse}", question.id);
        }
    }

    #[test]
    fn an_unanswered_red_flag_is_never_below_the_floor(inputs in any_inputs()) {
        let evaluation = evaluate(&PACKAGE.protocol, &inputs);
        let unanswered = PACKAGE.protocol.questions.iter()
            .any(|question| question.red_flag && !inputs.answers.contains_key(&question.id));
        prop_assert_eq!(unanswered, evaluation.floor.is_some());
        if unanswered {
            prop_assert!(evaluation.disposition >= Some(PACKAGE.protocol.floor));
        }
    }

    #[test]
    fn complete_answers_always_lead_somewhere_and_red_flags_are_always_shown(inputs in any_inputs()) {
        let evaluation = evaluate(&PACKAGE.protocol, &inputs);
        let incomplete = !evaluation.missing_required.is_empty();
        prop_assert!(evaluation.disposition.is_some() || incomplete);
        let yes = |id: &str| inputs.answers.get(id) == Some(&Answer::YesNo(true));
        let no = |id: &str| inputs.answers.get(id) == Some(&Answer::YesNo(false));
        prop_assert_eq!(yes("lips_blue") || no("can_speak"), evaluation.has_fired("rf_airway"));
        prop_assert_eq!(yes("u_stroke_signs"), evaluation.has_fired("rf_u_stroke_signs"));
    }

    #[test]
    fn no_file_however_damaged_breaks_the_reader(
        file in prop::sample::select(vec!["protocol.yaml", "scenarios.yaml", "guidance.md", "i18n/en-US.yaml"]),
        at in any::<prop::sample::Index>(),
        cut in 0usize..40,
        put in prop::sample::select(vec!["", "{", "}", "[", "]", ": ", "- ", "\n", "\t", "\"", "&a ", "*a", "!!int ",
            "null", "true", "-1", "1e999", "0x10", "emergency_now", "{#", "é", "\u{0}", "<<: ", "---\n", "| \n"]),
    ) {
        let mut files = dyspnea_files();
        let text = files.get_mut(file).expect("there");
        let characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        let damaged: String = characters[..at].iter().copied().chain(put.chars())
            .chain(characters[(at + cut).min(characters.len())..].iter().copied()).collect();
        *text = damaged;
        match read_package(&files) {
            Ok(package) => {
                let _evaluation = evaluate(&package.protocol, &all_well(&package));
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(!fault.message.is_empty() && !fault.rule.is_empty());
                }
            }
        }
    }
}
