//! Deliberate mistakes: each changes one operator, threshold, option or "all" against "any". Scenarios that notice none
//! of them test nothing.

use super::{
    decimal::Decimal,
    expression::{Comparison, Expression, Literal, Source, Test},
    model::{Protocol, QuestionKind},
};

/// A protocol with one mistake in it.
pub struct Mutant {
    /// The rule and the mistake.
    pub what: String,
    /// The protocol with it.
    pub protocol: Protocol,
}

/// Every mistake that can be made in the protocol's own rules and its overlay. The universal screen has its own sweep.
pub fn mutants(protocol: &Protocol) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (index, rule) in protocol.rules.iter().enumerate().filter(|(_, rule)| !rule.universal) {
        for (what, when) in mistakes(protocol, &rule.when) {
            let mut mutated = protocol.clone();
            if let Some(rule) = mutated.rules.get_mut(index) {
                rule.when = when;
            }
            mutants.push(Mutant { what: format!("{}: {what}", rule.id), protocol: mutated });
        }
    }
    if let Some(overlay) = &protocol.overlay {
        for (what, when) in mistakes(protocol, &overlay.when) {
            let mut mutated = protocol.clone();
            if let Some(overlay) = &mut mutated.overlay {
                overlay.when = when;
            }
            mutants.push(Mutant { what: format!("goals_of_care_overlay: {what}"), protocol: mutated });
        }
        for need in &overlay.needs {
            let mut mutated = protocol.clone();
            if let Some(overlay) = &mut mutated.overlay {
                overlay.needs.retain(|kept| kept != need);
            }
            mutants.push(Mutant { what: format!("goals_of_care_overlay: without {need}"), protocol: mutated });
        }
    }
    mutants
}

type Mistakes = Vec<(String, Expression)>;

fn mistakes(protocol: &Protocol, expression: &Expression) -> Mistakes {
    match expression {
        Expression::All(parts) => {
            let inside = within(protocol, parts, Expression::All);
            let swapped = (parts.len() > 1).then(|| ("all is any".to_owned(), Expression::Any(parts.clone())));
            inside.into_iter().chain(swapped).collect()
        }
        Expression::Any(parts) => {
            let inside = within(protocol, parts, Expression::Any);
            let swapped = (parts.len() > 1).then(|| ("any is all".to_owned(), Expression::All(parts.clone())));
            inside.into_iter().chain(swapped).collect()
        }
        Expression::Not(part) => {
            let inside = mistakes(protocol, part);
            let mut list: Mistakes =
                inside.into_iter().map(|(what, part)| (what, Expression::Not(Box::new(part)))).collect();
            list.push(("not is dropped".to_owned(), part.as_ref().clone()));
            list
        }
        Expression::Compare(comparison) => {
            let step = step_of(protocol, &comparison.source);
            changed_tests(protocol, comparison, step)
                .into_iter()
                .map(|(what, test)| {
                    let source = comparison.source.clone();
                    (what, Expression::Compare(Comparison { source, test }))
                })
                .collect()
        }
    }
}

fn within(protocol: &Protocol, parts: &[Expression], whole: impl Fn(Vec<Expression>) -> Expression) -> Mistakes {
    let mut list = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        for (what, changed) in mistakes(protocol, part) {
            let mut parts = parts.to_vec();
            if let Some(slot) = parts.get_mut(index) {
                *slot = changed;
            }
            list.push((what, whole(parts)));
        }
    }
    list
}

/// The smallest change of a threshold a person would notice.
fn step_of(protocol: &Protocol, source: &Source) -> Decimal {
    let tenth = Decimal::thousandths(100);
    match source {
        Source::Question(id) => match protocol.question(id).map(|question| &question.kind) {
            Some(QuestionKind::Number(_)) => tenth,
            Some(
                QuestionKind::YesNo
                | QuestionKind::Rating { .. }
                | QuestionKind::Whole(_)
                | QuestionKind::Duration(_)
                | QuestionKind::Choice(_)
                | QuestionKind::Choices(_)
                | QuestionKind::Date
                | QuestionKind::Words,
            )
            | None => Decimal::whole(1),
        },
        Source::Fact(_) | Source::Computed(_) | Source::Rule(_) => Decimal::whole(1),
    }
}

fn changed_tests(protocol: &Protocol, comparison: &Comparison, step: Decimal) -> Vec<(String, Test)> {
    let shifted = |name: &str, limit: Decimal, make: fn(Decimal) -> Test| {
        [limit.minus(step), limit.plus(step)].map(|other| (format!("{name} {limit} is {name} {other}"), make(other)))
    };
    let mut list = Vec::new();
    match &comparison.test {
        Test::MoreThan(limit) => {
            list.push((format!("gt {limit} is gte"), Test::AtLeast(*limit)));
            list.extend(shifted("gt", *limit, Test::MoreThan));
        }
        Test::AtLeast(limit) => {
            list.push((format!("gte {limit} is gt"), Test::MoreThan(*limit)));
            list.extend(shifted("gte", *limit, Test::AtLeast));
        }
        Test::LessThan(limit) => {
            list.push((format!("lt {limit} is lte"), Test::AtMost(*limit)));
            list.extend(shifted("lt", *limit, Test::LessThan));
        }
        Test::AtMost(limit) => {
            list.push((format!("lte {limit} is lt"), Test::LessThan(*limit)));
            list.extend(shifted("lte", *limit, Test::AtMost));
        }
        Test::Between(from, to) => {
            for (from, to) in
                [(from.minus(step), *to), (from.plus(step), *to), (*from, to.minus(step)), (*from, to.plus(step))]
            {
                list.push((format!("between is between {from} and {to}"), Test::Between(from, to)));
            }
        }
        Test::Is(literal) => {
            list.extend(
                others(protocol, comparison, literal, step).map(|other| (format!("is {other:?}"), Test::Is(other))),
            );
        }
        Test::In(literals) => {
            for dropped in literals {
                let kept: Vec<Literal> = literals.iter().filter(|literal| *literal != dropped).cloned().collect();
                list.push((format!("in without {dropped:?}"), Test::In(kept)));
            }
        }
    }
    list
}

/// Another value in place of the one a rule asks for.
fn others(
    protocol: &Protocol,
    comparison: &Comparison,
    literal: &Literal,
    step: Decimal,
) -> impl Iterator<Item = Literal> + use<> {
    let others: Vec<Literal> = match literal {
        Literal::YesNo(value) => vec![Literal::YesNo(!value)],
        Literal::Number(number) => {
            vec![Literal::Number(number.minus(step)), Literal::Number(number.plus(step))]
        }
        Literal::Choice(option) => {
            let kind = match &comparison.source {
                Source::Question(id) => protocol.question(id).map(|question| &question.kind),
                Source::Fact(_) | Source::Computed(_) | Source::Rule(_) => None,
            };
            match kind {
                Some(QuestionKind::Choice(options) | QuestionKind::Choices(options)) => {
                    options.iter().filter(|other| *other != option).cloned().map(Literal::Choice).collect()
                }
                Some(_) | None => Vec::new(),
            }
        }
        Literal::Unknown => Vec::new(),
    };
    others.into_iter()
}
