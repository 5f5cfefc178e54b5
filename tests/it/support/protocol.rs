//! Protocol packages for tests: the shipped one, and the shipped one with a mistake in it.

use careline::{
    domain::protocol::{Fault, Inputs, Package, Protocol, read_package},
    flows::check_protocol::read_folder,
};
use std::{collections::BTreeMap, path::PathBuf};

/// The files of the shipped breathlessness protocol.
pub fn dyspnea_files() -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("protocols/dyspnea");
    read_folder(&folder).expect("the shipped protocol can be read")
}

/// The files of the shipped check-in by keypad.
pub fn check_in_files() -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("protocols/check-in-esas");
    read_folder(&folder).expect("the shipped check-in can be read")
}

/// The shipped breathlessness protocol.
pub fn dyspnea() -> Package {
    read_package(&dyspnea_files()).expect("the shipped protocol has no fault")
}

/// The shipped files with one text replaced by another, once.
pub fn with(file: &str, from: &str, to: &str) -> BTreeMap<String, String> {
    let mut files = dyspnea_files();
    let text = files.get_mut(file).expect("the file exists");
    assert!(text.contains(from), "{file} has no `{from}` to replace");
    *text = text.replacen(from, to, 1);
    files
}

/// The line of a shipped file on which a text stands, counted from 1.
pub fn line_of(file: &str, text: &str) -> u32 {
    let files = dyspnea_files();
    let index = files[file].lines().position(|line| line.contains(text)).expect("the text is in the file");
    u32::try_from(index + 1).expect("files are short")
}

/// The faults of a package that must not be read.
pub fn faults(files: &BTreeMap<String, String>) -> Vec<Fault> {
    read_package(files).expect_err("this package has a fault and must be refused")
}

/// Everything answered and nothing wrong: the first scenario of the protocol.
pub fn all_well(package: &Package) -> Inputs {
    package.scenarios.first().expect("there are scenarios").inputs.clone()
}

/// Inputs with answers set as a nurse would type them; an empty text takes the answer away.
pub fn answered(protocol: &Protocol, mut inputs: Inputs, answers: &[(&str, &str)]) -> Inputs {
    for (id, text) in answers {
        if text.is_empty() {
            inputs.answers.remove(*id).expect("there was an answer to take away");
        } else {
            inputs.answers.insert((*id).to_owned(), protocol.read_answer(id, text).expect("the answer is possible"));
        }
    }
    inputs
}
