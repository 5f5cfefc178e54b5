//! Three-valued truth of one protocol over one set of inputs.

use super::{
    answer::Answer,
    decimal::Decimal,
    evaluate::{Because, Inputs},
    expression::{Comparison, Computation, Expression, Literal, Source, Test, Truth},
    model::{Protocol, Rule},
};
use crate::domain::disposition::Disposition;
use std::{cell::RefCell, collections::HashMap};

/// Answers questions about rules; remembers what it found.
pub struct Judge<'p> {
    protocol: &'p Protocol,
    inputs: &'p Inputs,
    found: RefCell<HashMap<&'p str, Truth>>,
}

/// A number known to lie between two ends; both are the same when it is known exactly.
type Span = (Decimal, Decimal);

/// What an urgent rule would be if the chart said what it asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presumed {
    /// Something that was asked speaks against it.
    No,
    /// Only the chart has a say in it, and does not speak against it.
    OnlyFacts,
    /// What was asked speaks for it, and the chart does not speak against it.
    Yes,
}

impl<'p> Judge<'p> {
    pub fn new(protocol: &'p Protocol, inputs: &'p Inputs) -> Self {
        Self { protocol, inputs, found: RefCell::default() }
    }

    /// Whether a rule fires. An urgent rule whose asked parts hold and which lacks nothing but facts of the chart counts
    /// as fired: not knowing whether there is oxygen in the home must not keep a nurse from a patient.
    pub fn rule(&self, rule: &'p Rule) -> Truth {
        if let Some(truth) = self.found.borrow().get(rule.id.as_str()) {
            return *truth;
        }
        let mut truth = self.expression(&rule.when);
        if truth == Truth::Unknown
            && rule.disposition >= Disposition::Clinician1h
            && self.presume(&rule.when) == Presumed::Yes
        {
            truth = Truth::True;
        }
        self.found.borrow_mut().insert(&rule.id, truth);
        truth
    }

    /// The truth of an expression.
    pub fn expression(&self, expression: &'p Expression) -> Truth {
        match expression {
            Expression::All(parts) => Truth::all(parts.iter().map(|part| self.expression(part))),
            Expression::Any(parts) => Truth::any(parts.iter().map(|part| self.expression(part))),
            Expression::Not(part) => !self.expression(part),
            Expression::Compare(comparison) => self.comparison(comparison),
        }
    }

    fn presume(&self, expression: &'p Expression) -> Presumed {
        if expression.reads_only_facts() {
            return if self.expression(expression) == Truth::False { Presumed::No } else { Presumed::OnlyFacts };
        }
        match expression {
            Expression::All(parts) => {
                parts.iter().fold(Presumed::OnlyFacts, |sofar, part| match (sofar, self.presume(part)) {
                    (Presumed::No, _) | (_, Presumed::No) => Presumed::No,
                    (Presumed::Yes, _) | (_, Presumed::Yes) => Presumed::Yes,
                    (Presumed::OnlyFacts, Presumed::OnlyFacts) => Presumed::OnlyFacts,
                })
            }
            Expression::Any(parts) => {
                parts.iter().fold(Presumed::No, |sofar, part| match (sofar, self.presume(part)) {
                    (Presumed::Yes, _) | (_, Presumed::Yes) => Presumed::Yes,
                    (Presumed::OnlyFacts, _) | (_, Presumed::OnlyFacts) => Presumed::OnlyFacts,
                    (Presumed::No, Presumed::No) => Presumed::No,
                })
            }
            Expression::Not(_) | Expression::Compare(_) => match self.expression(expression) {
                Truth::True => Presumed::Yes,
                Truth::False | Truth::Unknown => Presumed::No,
            },
        }
    }

    /// The answer to a question, unless the question is not asked at all.
    pub fn answer(&self, id: &str) -> Option<&'p Answer> {
        let answer = self.inputs.answers.get(id)?;
        let question = self.protocol.question(id)?;
        let asked = question.enable_when.as_ref().map_or(Truth::True, |when| self.expression(when));
        (asked != Truth::False).then_some(answer)
    }

    fn comparison(&self, comparison: &'p Comparison) -> Truth {
        if comparison.test == Test::Is(Literal::Unknown) {
            return Truth::of(!self.is_known(&comparison.source));
        }
        match &comparison.source {
            Source::Question(id) => match self.answer(id) {
                Some(Answer::YesNo(value)) => yes_no(*value, &comparison.test),
                Some(Answer::Number(number)) => number_test((*number, *number), &comparison.test),
                Some(Answer::Choice(option)) => option_test(&comparison.test, |known| known == option),
                Some(Answer::Choices(options)) => option_test(&comparison.test, |known| options.contains(known)),
                Some(Answer::Words(_)) | None => Truth::Unknown,
            },
            Source::Fact(id) => {
                self.inputs.facts.get(id).map_or(Truth::Unknown, |value| yes_no(*value, &comparison.test))
            }
            Source::Computed(id) => {
                self.computed(id).map_or(Truth::Unknown, |span| number_test(span, &comparison.test))
            }
            Source::Rule(id) => {
                let fired = self.protocol.rule(id).map_or(Truth::Unknown, |rule| self.rule(rule));
                match &comparison.test {
                    Test::Is(Literal::YesNo(false)) => !fired,
                    _ => fired,
                }
            }
        }
    }

    fn is_known(&self, source: &'p Source) -> bool {
        match source {
            Source::Question(id) => self.answer(id).is_some(),
            Source::Fact(id) => self.inputs.facts.contains_key(id),
            Source::Computed(id) => self.computed(id).is_some(),
            Source::Rule(id) => self.protocol.rule(id).is_some_and(|rule| self.rule(rule) != Truth::Unknown),
        }
    }

    fn computed(&self, id: &str) -> Option<Span> {
        match self.protocol.computed.get(id)? {
            Computation::Sum(sources) => {
                sources.iter().try_fold((Decimal::default(), Decimal::default()), |(low, high), source| {
                    let (from, to) = self.number(source)?;
                    Some((low.plus(from), high.plus(to)))
                })
            }
            Computation::Minus(first, second) => {
                let (first, second) = (self.number(first)?, self.number(second)?);
                Some((first.0.minus(second.1), first.1.minus(second.0)))
            }
            Computation::Max(sources) => {
                let spans: Option<Vec<Span>> = sources.iter().map(|source| self.number(source)).collect();
                let spans = spans?;
                Some((spans.iter().map(|span| span.0).max()?, spans.iter().map(|span| span.1).max()?))
            }
            Computation::CountTrue(parts) => {
                let one = Decimal::whole(1);
                Some(parts.iter().fold((Decimal::default(), Decimal::default()), |(low, high), part| {
                    match self.expression(part) {
                        Truth::True => (low.plus(one), high.plus(one)),
                        Truth::Unknown => (low, high.plus(one)),
                        Truth::False => (low, high),
                    }
                }))
            }
        }
    }

    fn number(&self, source: &'p Source) -> Option<Span> {
        match source {
            Source::Question(id) => match self.answer(id)? {
                Answer::Number(number) => Some((*number, *number)),
                Answer::YesNo(_) | Answer::Choice(_) | Answer::Choices(_) | Answer::Words(_) => None,
            },
            Source::Computed(id) => self.computed(id),
            Source::Fact(_) | Source::Rule(_) => None,
        }
    }

    /// What made an expression hold.
    pub fn because(&self, expression: &'p Expression, into: &mut Vec<Because>) {
        match expression {
            Expression::All(parts) => parts.iter().for_each(|part| self.because(part, into)),
            Expression::Any(parts) => {
                for part in parts.iter().filter(|part| self.expression(part) == Truth::True) {
                    self.because(part, into);
                }
            }
            Expression::Not(part) => part.sources().into_iter().for_each(|source| self.tell(source, into)),
            Expression::Compare(comparison) => self.tell(&comparison.source, into),
        }
    }

    fn tell(&self, source: &'p Source, into: &mut Vec<Because>) {
        let told = match source {
            Source::Question(id) => {
                Because::Answer { question: id.clone(), value: self.answer(id).map(Answer::code).unwrap_or_default() }
            }
            Source::Fact(id) => match self.inputs.facts.get(id) {
                Some(value) => Because::Fact { fact: id.clone(), value: *value },
                None => Because::FactNotKnown { fact: id.clone() },
            },
            Source::Rule(id) => Because::Rule { rule: id.clone() },
            Source::Computed(id) => {
                self.tell_computed(id, into);
                return;
            }
        };
        if !into.contains(&told) {
            into.push(told);
        }
    }

    fn tell_computed(&self, id: &str, into: &mut Vec<Because>) {
        match self.protocol.computed.get(id) {
            Some(Computation::Sum(sources) | Computation::Max(sources)) => {
                for source in sources {
                    self.tell(source, into);
                }
            }
            Some(Computation::Minus(first, second)) => {
                self.tell(first, into);
                self.tell(second, into);
            }
            Some(Computation::CountTrue(parts)) => {
                for part in parts.iter().filter(|part| self.expression(part) == Truth::True) {
                    self.because(part, into);
                }
            }
            None => {}
        }
    }

    /// What an undecided expression lacks: questions and facts without a value.
    pub fn lacks(&self, expression: &'p Expression, into: &mut Vec<String>) {
        for source in expression.sources() {
            let missing = match source {
                Source::Question(id) | Source::Fact(id) if !self.is_known(source) => Some(id),
                Source::Question(_) | Source::Fact(_) => None,
                Source::Rule(id) => {
                    if let Some(rule) = self.protocol.rule(id).filter(|rule| self.rule(rule) == Truth::Unknown) {
                        self.lacks(&rule.when, into);
                    }
                    None
                }
                Source::Computed(id) => {
                    self.computed_lacks(id, into);
                    None
                }
            };
            if let Some(id) = missing.filter(|id| !into.contains(id)) {
                into.push(id.clone());
            }
        }
    }

    fn computed_lacks(&self, id: &str, into: &mut Vec<String>) {
        let sources: Vec<&Source> = match self.protocol.computed.get(id) {
            Some(Computation::Sum(sources) | Computation::Max(sources)) => sources.iter().collect(),
            Some(Computation::Minus(first, second)) => vec![first, second],
            Some(Computation::CountTrue(parts)) => {
                for part in parts {
                    self.lacks(part, into);
                }
                Vec::new()
            }
            None => Vec::new(),
        };
        for source in sources {
            match source {
                Source::Question(id) if self.answer(id).is_none() && !into.contains(id) => into.push(id.clone()),
                Source::Computed(id) => self.computed_lacks(id, into),
                Source::Question(_) | Source::Fact(_) | Source::Rule(_) => {}
            }
        }
    }
}

fn yes_no(value: bool, test: &Test) -> Truth {
    match test {
        Test::Is(Literal::YesNo(wanted)) => Truth::of(value == *wanted),
        Test::In(wanted) => Truth::of(wanted.contains(&Literal::YesNo(value))),
        Test::Is(_)
        | Test::MoreThan(_)
        | Test::AtLeast(_)
        | Test::LessThan(_)
        | Test::AtMost(_)
        | Test::Between(..) => Truth::Unknown,
    }
}

fn option_test(test: &Test, has: impl Fn(&String) -> bool) -> Truth {
    let one = |literal: &Literal| matches!(literal, Literal::Choice(option) if has(option));
    match test {
        Test::Is(literal) => Truth::of(one(literal)),
        Test::In(literals) => Truth::of(literals.iter().any(one)),
        Test::MoreThan(_) | Test::AtLeast(_) | Test::LessThan(_) | Test::AtMost(_) | Test::Between(..) => {
            Truth::Unknown
        }
    }
}

/// Compares a number of which only the ends may be known.
fn number_test((low, high): Span, test: &Test) -> Truth {
    let decided = |surely: bool, possibly: bool| match (surely, possibly) {
        (true, _) => Truth::True,
        (false, true) => Truth::Unknown,
        (false, false) => Truth::False,
    };
    let equals = |literal: &Literal| match literal {
        Literal::Number(number) => decided(low == *number && high == *number, low <= *number && *number <= high),
        Literal::YesNo(_) | Literal::Choice(_) | Literal::Unknown => Truth::Unknown,
    };
    match test {
        Test::Is(literal) => equals(literal),
        Test::In(literals) => Truth::any(literals.iter().map(equals)),
        Test::MoreThan(limit) => decided(low > *limit, high > *limit),
        Test::AtLeast(limit) => decided(low >= *limit, high >= *limit),
        Test::LessThan(limit) => decided(high < *limit, low < *limit),
        Test::AtMost(limit) => decided(high <= *limit, low <= *limit),
        Test::Between(from, to) => Truth::all([decided(low >= *from, high >= *from), decided(high <= *to, low <= *to)]),
    }
}
