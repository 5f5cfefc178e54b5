//! The universal red-flag screen that every protocol inherits. It is data, compiled in, and copied into each package,
//! so that a stored version keeps the screen it was tested with.

use super::{
    desk::Desk,
    header,
    names::Names,
    questions::{self, Asked, Origin},
    rules, texts, yaml,
};
use crate::domain::{
    disposition::Disposition,
    protocol::{
        expression::{Comparison, Expression, Literal, Source, Test},
        model::{Question, Rule},
        package::Fault,
        plan::Reference,
    },
};
use std::collections::{BTreeMap, BTreeSet};

const SCREEN: &str = "universal/screen.yaml";
const FOLDER: &str = "universal/i18n/";

const SHIPPED: [(&str, &str); 3] = [
    (SCREEN, include_str!("../../../../protocols/universal/screen.yaml")),
    ("universal/i18n/en-US.yaml", include_str!("../../../../protocols/universal/i18n/en-US.yaml")),
    ("universal/i18n/es-US.yaml", include_str!("../../../../protocols/universal/i18n/es-US.yaml")),
];

/// The screen as read.
#[derive(Default)]
pub struct Screen {
    questions: Vec<Question>,
    red_flags: Vec<Rule>,
    pub references: Vec<Reference>,
}

/// The files of a package with the shipped screen added where the package brings none.
pub fn complete(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut files = files.clone();
    for (name, text) in SHIPPED {
        files.entry(name.to_owned()).or_insert_with(|| text.to_owned());
    }
    files
}

/// Whether a file belongs to the screen.
pub fn is_part(name: &str) -> bool {
    SHIPPED.iter().any(|(known, _)| *known == name)
}

/// Reads the screen and gathers its names.
pub fn read(files: &BTreeMap<String, String>, names: &mut Names, faults: &mut Vec<Fault>) -> Screen {
    let mut desk = Desk::new(SCREEN);
    let mut screen = Screen::default();
    let text = files.get(SCREEN).map_or("", String::as_str);
    if let Some(node) = yaml::parse(&mut desk, text)
        && let Some(block) =
            desk.block(&node, "the universal screen", &["schema", "questions", "red_flags", "references"])
    {
        screen.references = header::read_references(&mut desk, &block, names, None);
        screen.questions = questions::read(&mut desk, &block, names, Origin::Universal).questions;
        rules::gather(&mut desk, &block, names);
        screen.red_flags = rules::read_red_flags(&mut desk, &block, names, Origin::Universal);
    }
    let mut known = BTreeMap::new();
    for language in texts::LANGUAGES {
        known.insert(language.tag(), BTreeMap::new());
    }
    add_texts(files, &mut known, &mut Vec::new());
    let wants = std::mem::take(&mut desk.wants);
    texts::check_complete(&mut desk, &wants, &known);
    faults.append(&mut desk.faults);
    screen
}

/// Adds the screen's texts where the protocol has none of its own; a protocol may word the scripts in its own way.
pub fn add_texts(
    files: &BTreeMap<String, String>,
    texts: &mut BTreeMap<&'static str, BTreeMap<String, String>>,
    faults: &mut Vec<Fault>,
) {
    for (language, by_key) in texts::read(files, FOLDER, faults) {
        let known = texts.entry(language).or_default();
        for (key, text) in by_key {
            known.entry(key).or_insert(text);
        }
    }
}

/// Withdraws the names of what the protocol asks in its own words, so that nothing refers to what is not asked.
pub fn withdraw(screen: &Screen, asked: &Asked, names: &mut Names) {
    for stands_for in &asked.stands_for {
        if screen.questions.iter().any(|question| question.id == stands_for.universal) {
            names.questions.remove(&stands_for.universal);
            for flag in screen.red_flags.iter().filter(|flag| reads(flag, &stands_for.universal)) {
                names.rules.remove(&flag.id);
            }
        }
    }
}

fn reads(flag: &Rule, question: &str) -> bool {
    flag.when.sources().iter().any(|source| matches!(source, Source::Question(id) if id == question))
}

/// What a protocol inherits: everything but what its own questions stand for.
pub fn inherit(desk: &mut Desk, screen: &Screen, asked: &Asked, own_flags: &[Rule]) -> (Vec<Question>, Vec<Rule>) {
    let mut covered = BTreeSet::new();
    for stands_for in &asked.stands_for {
        if !screen.questions.iter().any(|question| question.id == stands_for.universal) {
            let message = format!("the universal screen asks no question `{}`", stands_for.universal);
            desk.fault(stands_for.line, "unknown-name", message);
        } else if own_flags.iter().any(|flag| is_emergency_on_yes(flag, &stands_for.question)) {
            covered.insert(stands_for.universal.clone());
        } else {
            let message = format!(
                "question `{}` stands for `{}`, so a red flag must lead to emergency_now when its answer is yes",
                stands_for.question, stands_for.universal
            );
            desk.fault(stands_for.line, "universal-screen-weakened", message);
        }
    }
    let questions = screen.questions.iter().filter(|question| !covered.contains(&question.id)).cloned().collect();
    let inherited = |flag: &&Rule| !covered.iter().any(|question| reads(flag, question));
    (questions, screen.red_flags.iter().filter(inherited).cloned().collect())
}

fn is_emergency_on_yes(flag: &Rule, question: &str) -> bool {
    let is_yes = |expression: &Expression| {
        *expression
            == Expression::Compare(Comparison {
                source: Source::Question(question.to_owned()),
                test: Test::Is(Literal::YesNo(true)),
            })
    };
    let fires = match &flag.when {
        Expression::Any(parts) => parts.iter().any(is_yes),
        when @ (Expression::Compare(_) | Expression::All(_) | Expression::Not(_)) => is_yes(when),
    };
    fires && flag.disposition == Disposition::EmergencyNow
}
