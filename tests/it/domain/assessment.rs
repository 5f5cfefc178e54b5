//! What may be signed, and the form a nurse sees.

use crate::support::protocol::{all_well, answered, dyspnea};
use careline::domain::{
    assessment::{Assessment, Decision, FieldKind, MayNotSign, OverlayWords, Signing, decide, look_again_within, page},
    disposition::Disposition,
    ids::{AssessmentId, CallId, PatientId},
    people::{ChartFacts, Language},
    private::Private,
    protocol::{Inputs, Package, evaluate},
};
use chrono::{DateTime, Duration, Utc};

fn signing(disposition: Disposition, reason: Option<&str>) -> Signing {
    Signing {
        revision: 1,
        disposition,
        override_reason: reason.map(|reason| Private::new(reason.to_owned())),
        agreed_plan: Private::default(),
    }
}

fn decided(package: &Package, inputs: &Inputs, to: Disposition, reason: Option<&str>) -> Result<Decision, MayNotSign> {
    decide(&evaluate(&package.protocol, inputs), &signing(to, reason), |id| package.question_text(id).to_owned())
}

fn draft(package: &Package, inputs: Inputs) -> Assessment {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    Assessment {
        id: AssessmentId::at(now),
        call: CallId::at(now),
        patient: PatientId::at(now),
        protocol: "dyspnea".to_owned(),
        version: "1.0.0".to_owned(),
        sha256: package.sha256.to_vec(),
        evaluation: evaluate(&package.protocol, &inputs),
        inputs,
        revision: 3,
        signed: None,
    }
}

#[test]
fn what_the_protocol_found_may_be_signed() {
    let package = dyspnea();
    let inputs = all_well(&package);
    assert_eq!(decided(&package, &inputs, Disposition::SelfCare, None), Ok(Decision::AsFound));
}

#[test]
fn upwards_is_free() {
    let package = dyspnea();
    let inputs = all_well(&package);
    for level in [Disposition::Within24h, Disposition::Clinician1h, Disposition::EmergencyNow] {
        assert_eq!(decided(&package, &inputs, level, None), Ok(Decision::Raised));
    }
}

#[test]
fn downwards_needs_a_reason() {
    let package = dyspnea();
    let inputs = answered(&package.protocol, all_well(&package), &[("sob_now", "8"), ("sob_usual", "8")]);
    assert_eq!(decided(&package, &inputs, Disposition::SameDay, None), Err(MayNotSign::NoReason));
    assert_eq!(decided(&package, &inputs, Disposition::SameDay, Some("  ")), Err(MayNotSign::NoReason));
    assert_eq!(decided(&package, &inputs, Disposition::SameDay, Some("seen an hour ago")), Ok(Decision::Lowered));
}

#[test]
fn one_person_does_not_lower_an_emergency() {
    let package = dyspnea();
    let inputs = answered(&package.protocol, all_well(&package), &[("chest_pain", "yes")]);
    for level in [Disposition::HospiceNow, Disposition::Clinician1h, Disposition::SelfCare] {
        let refused = decided(&package, &inputs, level, Some("the family prefers it"));
        assert!(matches!(refused, Err(MayNotSign::EmergencyStands(_))), "{refused:?}");
    }
}

#[test]
fn the_floor_of_a_red_flag_nobody_asked_holds_against_any_reason() {
    let package = dyspnea();
    let inputs = answered(&package.protocol, all_well(&package), &[("u_seizure", "")]);
    let refused = decided(&package, &inputs, Disposition::SelfCare, Some("sounded fine"));
    let Err(MayNotSign::FloorHolds(questions, _)) = refused else { panic!("{refused:?}") };
    assert!(questions.contains("seizure"), "{questions}");
    assert_eq!(decided(&package, &inputs, Disposition::Clinician1h, None), Ok(Decision::AsFound));
}

#[test]
fn an_open_question_bars_the_signature_and_is_named() {
    let package = dyspnea();
    let inputs = answered(&package.protocol, all_well(&package), &[("sob_usual", "")]);
    let refused = decided(&package, &inputs, Disposition::SelfCare, None);
    let Err(MayNotSign::Unanswered(questions)) = refused else { panic!("{refused:?}") };
    assert!(questions.contains("usual day"), "{questions}");
}

#[test]
fn every_level_has_a_clock_even_one_the_protocol_does_not_use() {
    let package = dyspnea();
    assert_eq!(look_again_within(&package, Disposition::Clinician1h), Duration::hours(4));
    assert_eq!(look_again_within(&package, Disposition::Within24h), Duration::hours(48));
    for level in Disposition::ALL {
        assert!(look_again_within(&package, level) > Duration::zero());
    }
}

#[test]
fn red_flags_are_asked_first_in_the_callers_language() {
    let package = dyspnea();
    let chart = ChartFacts { home_oxygen: Some(true), ..ChartFacts::default() };
    let page = page(&package, &draft(&package, Inputs::default()), chart, Language::Spanish);
    let first_later = page.questions.iter().position(|asked| !asked.red_flag).expect("there are others");
    assert_eq!(first_later, 15);
    assert!(page.questions[first_later..].iter().all(|asked| !asked.red_flag));
    assert_eq!(page.questions[0].id, "u_unresponsive");
    let lips = page.questions.iter().find(|asked| asked.id == "lips_blue").expect("asked");
    assert!(lips.ask.english.starts_with("Do the lips"));
    assert!(lips.ask.spoken.starts_with("¿Los labios"));
    assert_eq!(page.facts[2].chart, Some(true));
    assert_eq!(page.facts[2].confirmed, None, "what the chart says counts only once the nurse confirmed it");
    assert_eq!(page.revision, 3);
    assert!(page.outcome.floor.is_some());
}

#[test]
fn reasons_are_sentences_a_person_can_read() {
    let package = dyspnea();
    let inputs = answered(
        &package.protocol,
        all_well(&package),
        &[("sputum", "yellow_green"), ("temp_c", "38.2"), ("spo2", "97")],
    );
    let page = page(&package, &draft(&package, inputs), ChartFacts::default(), Language::English);
    let told: Vec<String> = page
        .outcome
        .rules
        .iter()
        .map(|fired| format!("{} | {} | {}", fired.title, fired.because.join("; "), fired.basis.join("; ")))
        .collect();
    assert!(told[0].starts_with("Two moderate signs together | Temperature of 38.0 °C"), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("what is the temperature? 38.2 °C")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("when the patient coughs? Yellow or green")), "{told:#?}");
    assert!(page.outcome.escalation.iter().any(|step| step.contains("on call clinician")));
}

#[test]
fn a_red_flag_brings_its_script_and_why_the_comfort_path_is_closed() {
    let package = dyspnea();
    let mut inputs = answered(&package.protocol, all_well(&package), &[("lips_blue", "yes")]);
    inputs.facts.insert("comfort_only_plan".to_owned(), true);
    let page = page(&package, &draft(&package, inputs), ChartFacts::default(), Language::Spanish);
    let script = page.outcome.script.expect("there is a script");
    assert!(script.english.contains("911"));
    assert!(script.spoken.contains("marque el 911"));
    let Some(OverlayWords::Stands(why)) = page.outcome.overlay else { panic!("emergency services stand") };
    assert_eq!(why.len(), 3);
}

#[test]
fn every_kind_of_question_has_a_field() {
    let package = dyspnea();
    let page = page(&package, &draft(&package, Inputs::default()), ChartFacts::default(), Language::English);
    let kind = |id: &str| &page.questions.iter().find(|asked| asked.id == id).expect("asked").kind;
    assert!(matches!(kind("lips_blue"), FieldKind::YesNo));
    assert!(matches!(kind("sob_now"), FieldKind::Rating(steps) if steps.len() == 11));
    assert!(matches!(kind("temp_c"), FieldKind::Number { unit, .. } if unit == "°C"));
    assert!(matches!(kind("sputum"), FieldKind::Choice(options) if options.len() == 5));
    assert!(matches!(kind("relief_tried"), FieldKind::Choices(_)));
}
