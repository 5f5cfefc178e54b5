//! Expressions as they are written: `{q: sob_now, gte: 7}`, `{all: [...]}`. Each is checked against what it reads.

use super::{
    desk::{Block, Desk, list, named_entries},
    names::{Names, Shape},
    yaml::{Node, Value},
};
use crate::domain::protocol::expression::{Comparison, Computation, Expression, Literal, Source, Test};

/// Deeper than this no person reads it.
const DEEPEST: u32 = 6;

/// Where an expression stands decides what may be written in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A red flag: only questions of the red-flag screen.
    RedFlag,
    /// A rule, a count, an overlay.
    Rule,
    /// Where advice is held back: here `is: unknown` may be asked.
    Avoid,
    /// When a question is asked: only questions.
    Enable,
}

/// Reads an expression and notes every fault in it.
pub fn read(desk: &mut Desk, names: &Names, node: &Node, what: &str, place: Place) -> Option<Expression> {
    Reader { desk, names, what, place }.expression(node, 0)
}

/// Reads `{sum: [...]}`, `{minus: [a, b]}`, `{max: [...]}` or `{count_true: [...]}`.
pub fn read_computation(desk: &mut Desk, names: &Names, node: &Node, what: &str) -> Option<Computation> {
    let Some((word, operands)) = single(node) else {
        desk.fault(node.line, "unknown-computation", format!("{what} must be one of {}", list(&COMPUTATIONS)));
        return None;
    };
    let parts = desk.items(operands, what);
    let mut reader = Reader { desk, names, what, place: Place::Rule };
    match word {
        "sum" => Some(Computation::Sum(reader.numbers(parts))),
        "max" => Some(Computation::Max(reader.numbers(parts))),
        "minus" => {
            let sources = reader.numbers(parts);
            if let [first, second] = sources.as_slice() {
                return Some(Computation::Minus(first.clone(), second.clone()));
            }
            reader.fault(node.line, "wrong-shape", "minus takes two values, the first less the second");
            None
        }
        "count_true" => Some(Computation::CountTrue(reader.expressions(parts, 1))),
        other => {
            let message = format!("`{other}` is no computation; write one of {}", list(&COMPUTATIONS));
            reader.fault(node.line, "unknown-computation", &message);
            None
        }
    }
}

const COMPUTATIONS: [&str; 4] = ["sum", "minus", "max", "count_true"];

/// The key and value of a block with exactly one key.
fn single(node: &Node) -> Option<(&str, &Node)> {
    let Value::Map(entries) = &node.value else { return None };
    let [entry] = entries.as_slice() else { return None };
    Some((entry.key.as_str(), &entry.node))
}

struct Reader<'r> {
    desk: &'r mut Desk,
    names: &'r Names,
    what: &'r str,
    place: Place,
}

impl Reader<'_> {
    fn fault(&mut self, line: u32, rule: &'static str, message: &str) {
        self.desk.fault(line, rule, format!("{}: {message}", self.what));
    }

    fn expression(&mut self, node: &Node, depth: u32) -> Option<Expression> {
        if depth > DEEPEST {
            self.fault(node.line, "too-deep", "nested deeper than a person can read; split it into rules");
            return None;
        }
        match single(node) {
            Some((word @ ("all" | "any"), parts)) => {
                let items = self.desk.items(parts, self.what);
                if items.is_empty() {
                    self.fault(node.line, "empty-list", &format!("`{word}` needs at least one part"));
                }
                let parts = self.expressions(items, depth);
                Some(if word == "all" { Expression::All(parts) } else { Expression::Any(parts) })
            }
            Some(("not", part)) => Some(Expression::Not(Box::new(self.expression(part, depth + 1)?))),
            Some(_) | None => self.comparison(node).map(Expression::Compare),
        }
    }

    fn expressions(&mut self, items: &[Node], depth: u32) -> Vec<Expression> {
        items.iter().filter_map(|item| self.expression(item, depth + 1)).collect()
    }

    fn comparison(&mut self, node: &Node) -> Option<Comparison> {
        let entries = named_entries(self.desk, node, self.what);
        let mut source = None;
        let mut operator = None;
        for entry in entries {
            match entry.key.as_str() {
                "q" | "f" | "v" | "rule" if source.is_none() => source = Some(entry),
                key if Test::OPERATORS.contains(&key) && operator.is_none() => operator = Some(entry),
                key => {
                    let known = list(&Test::OPERATORS);
                    let message =
                        format!("`{key}` is no operator here; write one source (q, f, v, rule) and one of {known}");
                    self.fault(entry.line, "unknown-operator", &message);
                    return None;
                }
            }
        }
        let Some(entry) = source else {
            self.fault(node.line, "no-source", "a comparison needs a source: q, f, v or rule");
            return None;
        };
        let name = self.desk.text(&entry.node, self.what)?;
        let (source, shape) = self.source(entry.line, &entry.key, &name)?;
        let test = match operator {
            Some(operator) => self.test(&operator.key, &operator.node, &name, &shape)?,
            None if shape == Shape::Rule => Test::Is(Literal::YesNo(true)),
            None => {
                let message = format!("`{name}` is compared with nothing; add one of {}", list(&Test::OPERATORS));
                self.fault(node.line, "no-operator", &message);
                return None;
            }
        };
        Some(Comparison { source, test })
    }

    fn source(&mut self, line: u32, kind: &str, name: &str) -> Option<(Source, Shape)> {
        let (shape, source) = match kind {
            "q" => (self.names.question(name), Source::Question(name.to_owned())),
            "f" => (self.names.fact(name), Source::Fact(name.to_owned())),
            "v" => (self.names.computed(name), Source::Computed(name.to_owned())),
            _ => (self.names.rule(name), Source::Rule(name.to_owned())),
        };
        let Some(shape) = shape else {
            self.fault(line, "unknown-name", &format!("there is no {} called `{name}`", noun(kind)));
            return None;
        };
        match self.place {
            Place::RedFlag if kind != "q" || !self.names.is_red_flag_question(name) => {
                let message =
                    format!("a red flag may use only questions of the red-flag screen, and `{name}` is not one");
                self.fault(line, "red-flag-outside-screen", &message);
            }
            Place::Enable if kind != "q" => {
                self.fault(line, "not-a-question", "whether a question is asked may depend on questions only");
            }
            Place::RedFlag | Place::Rule | Place::Avoid | Place::Enable => {}
        }
        Some((source, shape))
    }

    fn test(&mut self, operator: &str, node: &Node, name: &str, shape: &Shape) -> Option<Test> {
        match operator {
            "is" => Some(Test::Is(self.literal(node, name, shape)?)),
            "in" => {
                let items = self.desk.items(node, self.what);
                if items.is_empty() {
                    self.fault(node.line, "empty-list", "`in` needs at least one value");
                }
                Some(Test::In(items.iter().filter_map(|item| self.literal(item, name, shape)).collect()))
            }
            "between" => {
                let (low, high) = self.desk.pair(node, self.what)?;
                self.number_fits(node.line, name, shape, low)?;
                self.number_fits(node.line, name, shape, high)?;
                Some(Test::Between(low, high))
            }
            other => {
                let number = self.desk.number(node, &format!("{}: `{other}`", self.what))?;
                self.number_fits(node.line, name, shape, number)?;
                Some(match other {
                    "gt" => Test::MoreThan(number),
                    "gte" => Test::AtLeast(number),
                    "lt" => Test::LessThan(number),
                    _ => Test::AtMost(number),
                })
            }
        }
    }

    fn number_fits(
        &mut self,
        line: u32,
        name: &str,
        shape: &Shape,
        number: crate::domain::protocol::Decimal,
    ) -> Option<()> {
        let Shape::Number(bounds) = shape else {
            let message = format!("`{name}` is {}; numbers cannot be compared with it", shape.word());
            self.fault(line, "wrong-type", &message);
            return None;
        };
        if let Some((low, high)) = bounds
            && (number < *low || number > *high)
        {
            let message = format!("{number} can never be an answer to `{name}`, which goes from {low} to {high}");
            self.fault(line, "out-of-range", &message);
            return None;
        }
        Some(())
    }

    fn literal(&mut self, node: &Node, name: &str, shape: &Shape) -> Option<Literal> {
        let literal = match (&node.value, shape) {
            (Value::YesNo(value), Shape::YesNo | Shape::Rule) => Some(Literal::YesNo(*value)),
            (Value::Number(number), Shape::Number(_)) => {
                self.number_fits(node.line, name, shape, *number)?;
                Some(Literal::Number(*number))
            }
            (Value::Text(word), _) if word == "unknown" && self.place == Place::Avoid => Some(Literal::Unknown),
            (Value::Text(word), Shape::Options(options)) => {
                if !options.contains(word) {
                    let known: Vec<&str> = options.iter().map(String::as_str).collect();
                    let message = format!("`{word}` is no option of `{name}`; it has {}", list(&known));
                    self.fault(node.line, "unknown-option", &message);
                    return None;
                }
                Some(Literal::Choice(word.clone()))
            }
            _ => None,
        };
        if literal.is_none() {
            let message = format!("`{name}` is {} and cannot be compared with {}", shape.word(), node.value.word());
            self.fault(node.line, "wrong-type", &message);
        }
        literal
    }

    /// Operands of a sum, a difference or a maximum: `{q: ...}` or `{v: ...}` that are numbers.
    fn numbers(&mut self, items: &[Node]) -> Vec<Source> {
        let mut sources = Vec::new();
        for item in items {
            let Some((kind @ ("q" | "v"), name)) = single(item) else {
                self.fault(item.line, "wrong-shape", "an operand is {q: question} or {v: value}");
                continue;
            };
            let Some(name) = self.desk.text(name, self.what) else { continue };
            let Some((source, shape)) = self.source(item.line, kind, &name) else { continue };
            if matches!(shape, Shape::Number(_)) {
                sources.push(source);
            } else {
                self.fault(
                    item.line,
                    "wrong-type",
                    &format!("`{name}` is {}; only numbers can be reckoned", shape.word()),
                );
            }
        }
        sources
    }
}

fn noun(kind: &str) -> &'static str {
    match kind {
        "q" => "question",
        "f" => "fact of the record",
        "v" => "computed value",
        _ => "rule or red flag",
    }
}

/// Reads an optional expression of a block.
pub fn optional(desk: &mut Desk, names: &Names, block: &Block, key: &str, place: Place) -> Option<Expression> {
    let node = block.optional(key)?;
    read(desk, names, node, &block.what, place)
}
