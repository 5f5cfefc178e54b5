//! The shipped protocols: each one reads without a fault and passes its own examination.

use careline::flows::check_protocol::{check_folders, words};
use std::path::PathBuf;

#[test]
fn every_shipped_protocol_reads_and_passes_its_examination() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("protocols");
    let checked = check_folders(&[folder]).expect("the protocols folder can be read");
    assert!(!checked.is_empty(), "no protocol was found");
    for checked in &checked {
        println!("{}", words(checked));
        assert!(checked.has_passed(), "{}", words(checked));
    }
}

#[test]
fn the_breathlessness_protocol_has_the_depth_it_promises() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("protocols/dyspnea");
    let checked = check_folders(&[folder]).expect("the folder can be read");
    let report = checked.first().and_then(|checked| checked.result.as_ref().ok()).expect("it reads");
    assert!(report.scenarios >= 40, "{} scenarios", report.scenarios);
    assert!(report.passages >= 25, "{} passages", report.passages);
    assert!(report.mutants >= 50, "{} deliberate mistakes", report.mutants);
    assert_eq!(report.survivors, Vec::<String>::new());
}
