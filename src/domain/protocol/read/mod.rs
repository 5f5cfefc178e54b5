//! Reading a package: every fault is collected, each with its file, line and rule, and a package with a fault is no
//! package.

mod desk;
mod dose;
mod expressions;
mod header;
mod names;
mod passages;
mod plans;
mod questions;
mod rules;
mod scenarios;
mod texts;
mod universal;
mod yaml;

use super::{
    model::{Protocol, Rule},
    package::{Fault, Package, Passage},
    plan::Overlay,
};
use crate::domain::disposition::Disposition;
use desk::{Block, Desk};
use names::Names;
use questions::{Asked, Origin};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

pub use dose::dose_in;
pub use passages::TAGS;

const LOGIC: &str = "protocol.yaml";
const GUIDANCE: &str = "guidance.md";
const SCENARIOS: &str = "scenarios.yaml";
const CHANGELOG: &str = "changelog.md";
const APPROVALS: &str = "approvals.yaml";

/// Longer files are refused before they are read, in bytes.
const LONGEST_FILE: usize = 1_000_000;

/// Rules and computed values together; more than this no person can review, and evaluation stays shallow.
const MOST_RULES: usize = 300;

/// Reads a package from its files, named by their path within the folder.
///
/// # Errors
/// Every fault found, in order of file and line.
pub fn read_package(files: &BTreeMap<String, String>) -> Result<Package, Vec<Fault>> {
    let files = universal::complete(files);
    let mut faults = check_files(&files);
    let package = if faults.is_empty() { read_files(files, &mut faults) } else { None };
    faults.sort();
    faults.dedup();
    match package {
        Some(package) if faults.is_empty() => Ok(package),
        None if faults.is_empty() => Err(vec![whole_file(LOGIC, "unreadable", "the package cannot be read")]),
        Some(_) | None => Err(faults),
    }
}

fn check_files(files: &BTreeMap<String, String>) -> Vec<Fault> {
    let languages = texts::LANGUAGES.map(|language| format!("i18n/{}.yaml", language.tag()));
    let needed: Vec<&str> =
        [LOGIC, GUIDANCE, SCENARIOS, CHANGELOG].into_iter().chain(languages.iter().map(String::as_str)).collect();
    let mut faults = Vec::new();
    for name in &needed {
        if !files.contains_key(*name) {
            faults.push(whole_file(name, "missing-file", "the package lacks this file; add it"));
        }
    }
    for (name, text) in files {
        if !needed.contains(&name.as_str()) && name != APPROVALS && !universal::is_part(name) {
            faults.push(whole_file(name, "unknown-file", "no package has such a file; remove it or correct its name"));
        }
        if text.len() > LONGEST_FILE {
            faults.push(whole_file(name, "file-too-long", "the file is longer than a megabyte; shorten it"));
        }
    }
    faults
}

fn whole_file(file: &str, rule: &str, message: &str) -> Fault {
    Fault { file: file.to_owned(), line: None, rule: rule.to_owned(), message: message.to_owned() }
}

fn read_files(files: BTreeMap<String, String>, faults: &mut Vec<Fault>) -> Option<Package> {
    let file = |name: &str| files.get(name).map_or("", String::as_str);
    let mut desk = Desk::new(LOGIC);
    let own_texts = texts::read(&files, "i18n/", faults);
    let read = yaml::parse(&mut desk, file(LOGIC)).and_then(|node| {
        let mut names = Names::default();
        let universal = universal::read(&files, &mut names, faults);
        let logic = read_logic(&mut desk, &node, &mut names, &universal);
        let mut texts = own_texts.clone();
        universal::add_texts(&files, &mut texts, faults);
        plans::check_doses(&mut desk, &logic.care_advice, &texts);
        texts::check_complete(&mut desk, &logic.wants, &texts);
        texts::check_needed(&logic.wants, &own_texts, faults);
        Some((logic.protocol?, texts))
    });
    faults.append(&mut desk.faults);
    let passages = read_passages(file(GUIDANCE), faults);
    let (protocol, texts) = read?;
    let mut desk = Desk::new(SCENARIOS);
    let scenarios = yaml::parse(&mut desk, file(SCENARIOS))
        .map(|node| scenarios::read(&mut desk, &protocol, &node))
        .unwrap_or_default();
    faults.append(&mut desk.faults);
    Some(Package { protocol, texts, passages, scenarios, sha256: canonical_hash(&files), files })
}

fn read_passages(text: &str, faults: &mut Vec<Fault>) -> Vec<Passage> {
    let mut desk = Desk::new(GUIDANCE);
    let passages = passages::read(&mut desk, text);
    faults.append(&mut desk.faults);
    passages
}

/// SHA-256 over every file but the approvals, in order of name: name, length and text, with line ends as LF.
fn canonical_hash(files: &BTreeMap<String, String>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, text) in files.iter().filter(|(name, _)| *name != APPROVALS) {
        let text = text.replace("\r\n", "\n");
        hash.update(format!("{name}\n{}\n", text.len()));
        hash.update(text);
    }
    hash.finalize().into()
}

struct Logic {
    protocol: Option<Protocol>,
    care_advice: Vec<(u32, super::plan::CareAdvice)>,
    wants: Vec<texts::Wanted>,
}

const KEYS: [&str; 22] = [
    "schema",
    "id",
    "version",
    "status",
    "title",
    "population",
    "jurisdictions",
    "effective",
    "review_due",
    "sign_off",
    "inputs_from_record",
    "questions",
    "computed",
    "red_flags",
    "rules",
    "unknown_policy",
    "goals_of_care_overlay",
    "care_advice",
    "escalation",
    "follow_up",
    "references",
    "origin",
];

fn read_logic(desk: &mut Desk, node: &yaml::Node, names: &mut Names, universal: &universal::Screen) -> Logic {
    let Some(block) = desk.block(node, "the protocol", &KEYS) else {
        return Logic { protocol: None, care_advice: Vec::new(), wants: Vec::new() };
    };
    let header = header::read(desk, &block);
    let status = header.as_ref().map(|header| header.status);
    let references = header::read_references(desk, &block, names, status);
    let facts = header::read_facts(desk, &block, names);
    let mut asked = questions::read(desk, &block, names, Origin::Own);
    questions::read_enabled(desk, names, &mut asked);
    universal::withdraw(universal, &asked, names);
    rules::gather(desk, &block, names);
    if names.rules.len() + names.computed.len() > MOST_RULES {
        desk.fault(
            block.line,
            "too-many-rules",
            format!("more than {MOST_RULES} rules and values; split the protocol"),
        );
    }
    let computed = rules::read_computed(desk, &block, names);
    let own_flags = rules::read_red_flags(desk, &block, names, Origin::Own);
    let own_rules = rules::read_rules(desk, &block, names);
    let (inherited_questions, inherited_flags) = universal::inherit(desk, universal, &asked, &own_flags);
    let rules: Vec<Rule> = inherited_flags.into_iter().chain(own_flags).chain(own_rules).collect();
    rules::check_circles(desk, block.line, &rules, &computed);
    let floor = rules::read_floor(desk, &block);
    let overlay = rules::read_overlay(desk, &block, names);
    let care_advice = plans::read_care_advice(desk, &block, names);
    let escalation = plans::read_escalation(desk, &block);
    let follow_up = plans::read_follow_up(desk, &block);
    let used = used_levels(&rules, floor, overlay.as_ref());
    check_levels(desk, &block, &used, &escalation.keys().copied().collect(), "escalation");
    check_levels(desk, &block, &used, &follow_up.keys().copied().collect(), "follow_up");
    want_scripts(desk, block.line, &rules, overlay.as_ref());
    let questions = in_order(inherited_questions, asked);
    let wants = std::mem::take(&mut desk.wants);
    let plain_advice = care_advice.iter().map(|(_, advice)| advice.clone()).collect();
    let protocol = header.zip(floor).map(|(header, floor)| Protocol {
        header,
        facts,
        questions,
        computed,
        rules,
        floor,
        overlay,
        care_advice: plain_advice,
        escalation,
        follow_up,
        references: references.into_iter().chain(universal.references.clone()).collect(),
    });
    Logic { protocol, care_advice, wants }
}

/// Universal red flags first, then the protocol's own, then the rest, each in the order of its file.
fn in_order(universal: Vec<super::model::Question>, asked: Asked) -> Vec<super::model::Question> {
    let (red_flags, later): (Vec<_>, Vec<_>) = asked.questions.into_iter().partition(|question| question.red_flag);
    universal.into_iter().chain(red_flags).chain(later).collect()
}

fn used_levels(rules: &[Rule], floor: Option<Disposition>, overlay: Option<&Overlay>) -> BTreeSet<Disposition> {
    let led_to = rules.iter().map(|rule| rule.disposition);
    led_to.chain(floor).chain(overlay.map(|overlay| overlay.to)).collect()
}

fn check_levels(
    desk: &mut Desk,
    block: &Block,
    used: &BTreeSet<Disposition>,
    covered: &BTreeSet<Disposition>,
    key: &str,
) {
    let line = block.optional(key).map_or(block.line, |node| node.line);
    for level in used.difference(covered) {
        let message = format!("{} is used by a rule but `{key}` does not say what happens then; add it", level.code());
        let rule = if key == "escalation" { "level-without-escalation" } else { "level-without-follow-up" };
        desk.fault(line, rule, message);
    }
}

/// What the nurse says when a red flag of a level holds.
fn want_scripts(desk: &mut Desk, line: u32, rules: &[Rule], overlay: Option<&Overlay>) {
    let flags = rules.iter().filter(|rule| rule.kind == super::model::RuleKind::RedFlag).map(|rule| rule.disposition);
    let levels: BTreeSet<Disposition> = flags.chain(overlay.map(|overlay| overlay.to)).collect();
    for level in levels {
        desk.wants(line, format!("script.{}", level.code()));
    }
}
