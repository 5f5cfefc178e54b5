//! What the names of a protocol stand for, gathered before any expression is read, so that rules have no order.

use crate::domain::protocol::{Decimal, model::QuestionKind};
use std::collections::{BTreeMap, BTreeSet};

/// What a named thing can be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Yes or no.
    YesNo,
    /// Whether a rule fired.
    Rule,
    /// A number, with the bounds of its question.
    Number(Option<(Decimal, Decimal)>),
    /// One or some of these.
    Options(Vec<String>),
    /// A day or words: nothing can be compared with it.
    Words,
}

impl Shape {
    /// What a person calls it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::YesNo => "a yes-or-no",
            Self::Rule => "a rule",
            Self::Number(_) => "a number",
            Self::Options(_) => "a choice",
            Self::Words => "a text",
        }
    }

    /// The shape of a question's answers.
    pub fn of(kind: &QuestionKind) -> Self {
        match kind {
            QuestionKind::YesNo => Self::YesNo,
            QuestionKind::Choice(options) | QuestionKind::Choices(options) => Self::Options(options.clone()),
            QuestionKind::Date | QuestionKind::Words => Self::Words,
            QuestionKind::Rating { .. }
            | QuestionKind::Whole(_)
            | QuestionKind::Number(_)
            | QuestionKind::Duration(_) => Self::Number(kind.bounds()),
        }
    }
}

/// Every name of a protocol.
#[derive(Default)]
pub struct Names {
    pub questions: BTreeMap<String, (Shape, Screen)>,
    pub facts: BTreeSet<String>,
    pub computed: BTreeSet<String>,
    pub rules: BTreeSet<String>,
    pub references: BTreeSet<String>,
}

/// Whether a question belongs to the red-flag screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// It does.
    RedFlags,
    /// It is asked later.
    Later,
}

impl Names {
    pub fn question(&self, name: &str) -> Option<Shape> {
        self.questions.get(name).map(|(shape, _)| shape.clone())
    }

    pub fn fact(&self, name: &str) -> Option<Shape> {
        self.facts.contains(name).then_some(Shape::YesNo)
    }

    pub fn computed(&self, name: &str) -> Option<Shape> {
        self.computed.contains(name).then_some(Shape::Number(None))
    }

    pub fn rule(&self, name: &str) -> Option<Shape> {
        self.rules.contains(name).then_some(Shape::Rule)
    }

    pub fn is_red_flag_question(&self, name: &str) -> bool {
        self.questions.get(name).is_some_and(|(_, screen)| *screen == Screen::RedFlags)
    }
}
