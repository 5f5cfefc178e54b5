//! Questions: what may be answered, and in which screen they are asked.

use super::{
    desk::{Block, Desk},
    expressions::{self, Place},
    names::{Names, Screen, Shape},
    yaml::Node,
};
use crate::domain::protocol::{
    Decimal,
    model::{Direction, Measure, Question, QuestionKind},
};
use std::collections::BTreeMap;

const KEYS: [&str; 14] = [
    "id",
    "type",
    "ask",
    "range",
    "plausible",
    "confirm_outside",
    "unit",
    "options",
    "direction",
    "informant",
    "red_flag_screen",
    "enable_when",
    "optional",
    "code",
];

/// Whether the questions come from the universal screen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Every protocol inherits them.
    Universal,
    /// The protocol's own.
    Own,
}

/// A question of one's own that is asked in place of a universal one.
pub struct StandsFor {
    pub line: u32,
    pub question: String,
    pub universal: String,
}

/// Questions as read, with the parts that need every name still to be read.
#[derive(Default)]
pub struct Asked<'n> {
    pub questions: Vec<Question>,
    pub stands_for: Vec<StandsFor>,
    enabled_when: Vec<(String, &'n Node)>,
}

/// Reads the questions and gathers their names.
pub fn read<'n>(desk: &mut Desk, block: &Block<'n>, names: &mut Names, origin: Origin) -> Asked<'n> {
    let mut asked = Asked::default();
    let Some(node) = block.required(desk, "questions") else { return asked };
    for item in desk.items(node, "`questions`") {
        let keys: Vec<&str> = KEYS.into_iter().chain(["stands_for"]).collect();
        let Some(block) = desk.block(item, "question", &keys) else { continue };
        let Some(question) = question(desk, &block, origin) else { continue };
        if names.questions.contains_key(&question.id) {
            desk.fault(item.line, "duplicate-id", format!("there are two questions called `{}`", question.id));
            continue;
        }
        let screen = if question.red_flag { Screen::RedFlags } else { Screen::Later };
        names.questions.insert(question.id.clone(), (Shape::of(&question.kind), screen));
        if let Some(node) = block.optional("enable_when") {
            if question.red_flag {
                let message =
                    format!("{} belongs to the red-flag screen and is always asked; drop `enable_when`", block.what);
                desk.fault(node.line, "red-flag-not-always-asked", message);
            }
            asked.enabled_when.push((question.id.clone(), node));
        }
        if let Some(node) = block.optional("stands_for")
            && let Some(universal) = desk.text(node, &block.named("stands_for"))
        {
            asked.stands_for.push(StandsFor { line: node.line, question: question.id.clone(), universal });
        }
        asked.questions.push(question);
    }
    asked
}

/// Reads when questions are asked, once every question is known.
pub fn read_enabled(desk: &mut Desk, names: &Names, asked: &mut Asked) {
    for (id, node) in std::mem::take(&mut asked.enabled_when) {
        let what = format!("`enable_when` of question `{id}`");
        let expression = expressions::read(desk, names, node, &what, Place::Enable);
        if let Some(question) = asked.questions.iter_mut().find(|question| question.id == id) {
            question.enable_when = expression;
        }
    }
}

fn question(desk: &mut Desk, block: &Block, origin: Origin) -> Option<Question> {
    let id = block.id(desk);
    let kind = kind(desk, block);
    let ask = block.required(desk, "ask").and_then(|node| desk.key(node, &block.named("ask")));
    let flag = |desk: &mut Desk, key| match block.optional(key) {
        Some(node) => desk.yes_no(node, &block.named(key)).unwrap_or(false),
        None => false,
    };
    let red_flag = flag(desk, "red_flag_screen") || origin == Origin::Universal;
    let optional = flag(desk, "optional");
    if red_flag && optional {
        let message = format!("{} belongs to the red-flag screen and cannot be optional", block.what);
        desk.fault(block.line, "red-flag-not-always-asked", message);
    }
    let ways = [("higher_worse", Direction::HigherWorse), ("lower_worse", Direction::LowerWorse)];
    let direction = block.optional("direction").and_then(|node| desk.word(node, &block.named("direction"), &ways));
    let people =
        [("patient", "patient"), ("caregiver", "caregiver"), ("nurse_heard", "nurse_heard"), ("nurse", "nurse")];
    let informants = match block.optional("informant") {
        Some(node) => desk
            .items(node, &block.named("informant"))
            .iter()
            .filter_map(|item| desk.word(item, &block.named("informant"), &people).map(str::to_owned))
            .collect(),
        None => Vec::new(),
    };
    let codes = codes(desk, block);
    let (id, kind, ask) = (id?, kind?, ask?);
    if let QuestionKind::Choice(options) | QuestionKind::Choices(options) = &kind {
        for option in options {
            desk.wants(block.line, format!("opt.{id}.{option}"));
        }
    }
    if direction.is_some() && kind.bounds().is_none() {
        let message = format!("{} is {}; only numbers have a direction", block.what, kind.word());
        desk.fault(block.line, "wrong-type", message);
    }
    let direction = direction.unwrap_or(Direction::Neither);
    let universal = origin == Origin::Universal;
    Some(Question { id, kind, ask, red_flag, universal, optional, direction, enable_when: None, informants, codes })
}

fn codes(desk: &mut Desk, block: &Block) -> BTreeMap<String, String> {
    let mut codes = BTreeMap::new();
    if let Some(node) = block.optional("code")
        && let Some(code) = desk.block(node, &block.named("code"), &["loinc", "snomed"])
    {
        for entry in code.entries() {
            if let Some(value) = desk.text(&entry.node, &block.named("code")) {
                codes.insert(entry.key.clone(), value);
            }
        }
    }
    codes
}

const KINDS: [(&str, &str); 9] = [
    ("boolean", "boolean"),
    ("nrs", "nrs"),
    ("integer", "integer"),
    ("decimal", "decimal"),
    ("duration", "duration"),
    ("choice", "choice"),
    ("multi_choice", "multi_choice"),
    ("date", "date"),
    ("text", "text"),
];

fn kind(desk: &mut Desk, block: &Block) -> Option<QuestionKind> {
    let node = block.required(desk, "type")?;
    let word = desk.word(node, &block.named("type"), &KINDS)?;
    let fitting: &[&str] = match word {
        "nrs" => &["range"],
        "integer" | "decimal" | "duration" => &["unit", "plausible", "confirm_outside"],
        "choice" | "multi_choice" => &["options"],
        _ => &[],
    };
    for key in ["range", "unit", "plausible", "confirm_outside", "options"] {
        if let Some(node) = block.optional(key)
            && !fitting.contains(&key)
        {
            desk.fault(node.line, "wrong-type", format!("{} is {word} and takes no `{key}`", block.what));
        }
    }
    Some(match word {
        "boolean" => QuestionKind::YesNo,
        "nrs" => {
            let range = block.required(desk, "range")?;
            let (from, to) = desk.pair(range, &block.named("range"))?;
            if !from.is_whole() || !to.is_whole() {
                desk.fault(range.line, "wrong-range", "a rating scale goes from one whole number to another");
            }
            QuestionKind::Rating { from, to }
        }
        "integer" => QuestionKind::Whole(measure(desk, block)?),
        "decimal" => QuestionKind::Number(measure(desk, block)?),
        "duration" => QuestionKind::Duration(measure(desk, block)?),
        "choice" => QuestionKind::Choice(options(desk, block)?),
        "multi_choice" => QuestionKind::Choices(options(desk, block)?),
        "date" => QuestionKind::Date,
        _ => QuestionKind::Words,
    })
}

fn measure(desk: &mut Desk, block: &Block) -> Option<Measure> {
    let unit = block.text(desk, "unit");
    let plausible = block.required(desk, "plausible").and_then(|node| desk.pair(node, &block.named("plausible")));
    let confirm_outside =
        block.optional("confirm_outside").and_then(|node| desk.pair(node, &block.named("confirm_outside")));
    let plausible: (Decimal, Decimal) = plausible?;
    if let Some((low, high)) = confirm_outside
        && (low < plausible.0 || high > plausible.1)
    {
        let message = format!("`confirm_outside` of {} must lie within `plausible`", block.what);
        desk.fault(block.line, "wrong-range", message);
    }
    Some(Measure { unit: unit?, plausible, confirm_outside })
}

fn options(desk: &mut Desk, block: &Block) -> Option<Vec<String>> {
    let node = block.required(desk, "options")?;
    let options = desk.texts(node, &block.named("options"));
    for (index, option) in options.iter().enumerate() {
        if options.iter().take(index).any(|before| before == option) {
            desk.fault(node.line, "duplicate-id", format!("{} has the option `{option}` twice", block.what));
        }
        if option == "unknown" || option.contains(',') || option.is_empty() {
            let message =
                format!("{} may not have the option `{option}`: a missing answer is its own thing", block.what);
            desk.fault(node.line, "bad-id", message);
        }
    }
    if options.len() < 2 {
        desk.fault(node.line, "empty-list", format!("{} needs at least two options", block.what));
    }
    Some(options)
}
