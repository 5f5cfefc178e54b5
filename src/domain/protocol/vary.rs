//! The answers that matter: every option, every step of a scale, and for decimals each threshold with a hair on either
//! side.

use super::{
    answer::Answer,
    decimal::Decimal,
    expression::{Comparison, Source, Test},
    model::{Protocol, Question, QuestionKind},
};
use std::collections::BTreeSet;

/// A hair: below what anybody measures at home.
const HAIR: Decimal = Decimal::thousandths(10);

/// The answers to a question that can change an outcome.
pub fn values(protocol: &Protocol, question: &Question) -> Vec<Answer> {
    match &question.kind {
        QuestionKind::YesNo => vec![Answer::YesNo(true), Answer::YesNo(false)],
        QuestionKind::Choice(options) => options.iter().cloned().map(Answer::Choice).collect(),
        QuestionKind::Choices(options) => {
            options.iter().map(|option| Answer::Choices(BTreeSet::from([option.clone()]))).collect()
        }
        QuestionKind::Rating { .. } | QuestionKind::Whole(_) | QuestionKind::Number(_) | QuestionKind::Duration(_) => {
            cuts(protocol, question).into_iter().map(Answer::Number).collect()
        }
        QuestionKind::Date | QuestionKind::Words => Vec::new(),
    }
}

/// The numbers that can change an outcome, in rising order; empty when the question takes no number.
pub fn cuts(protocol: &Protocol, question: &Question) -> Vec<Decimal> {
    let Some((low, high)) = question.kind.bounds() else { return Vec::new() };
    let mut cuts = BTreeSet::from([low, high]);
    let (hair, whole) = match &question.kind {
        QuestionKind::Rating { .. } => {
            let mut step = low;
            while step <= high {
                cuts.insert(step);
                step = step.plus(Decimal::whole(1));
            }
            return cuts.into_iter().collect();
        }
        QuestionKind::Whole(_) => (Decimal::whole(1), true),
        QuestionKind::YesNo
        | QuestionKind::Number(_)
        | QuestionKind::Duration(_)
        | QuestionKind::Choice(_)
        | QuestionKind::Choices(_)
        | QuestionKind::Date
        | QuestionKind::Words => (HAIR, false),
    };
    for threshold in thresholds(protocol, &question.id) {
        cuts.extend([threshold.minus(hair), threshold, threshold.plus(hair)]);
    }
    cuts.into_iter().filter(|cut| *cut >= low && *cut <= high && (!whole || cut.is_whole())).collect()
}

fn thresholds(protocol: &Protocol, question: &str) -> Vec<Decimal> {
    let mut found = Vec::new();
    for rule in &protocol.rules {
        rule.when.visit(&mut |Comparison { source, test }| {
            if !matches!(source, Source::Question(id) if id == question) {
                return;
            }
            match test {
                Test::MoreThan(limit) | Test::AtLeast(limit) | Test::LessThan(limit) | Test::AtMost(limit) => {
                    found.push(*limit);
                }
                Test::Between(from, to) => found.extend([*from, *to]),
                Test::Is(_) | Test::In(_) => {}
            }
        });
    }
    found
}
