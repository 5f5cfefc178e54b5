//! Expressions: a closed set of comparisons with three truth values. No scripts, no text comparison of numbers.

use super::decimal::Decimal;
use serde::{Deserialize, Serialize};

/// True, false, or not known. Not known is never "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Something it needs is missing.
    Unknown,
}

impl Truth {
    /// A known truth.
    #[must_use]
    pub const fn of(known: bool) -> Self {
        if known { Self::True } else { Self::False }
    }

    /// False if any is false, else unknown if any is unknown.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::True, |sofar, part| match (sofar, part) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::True, Self::True) => Self::True,
        })
    }

    /// True if any is true, else unknown if any is unknown.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        !Self::all(parts.into_iter().map(|part| !part))
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// What a rule asks of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Every part.
    All(Vec<Expression>),
    /// At least one part.
    Any(Vec<Expression>),
    /// The opposite.
    Not(Box<Expression>),
    /// One comparison.
    Compare(Comparison),
}

impl Expression {
    /// Visits every comparison, outermost first.
    pub fn visit<'e>(&'e self, see: &mut impl FnMut(&'e Comparison)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.visit(see)),
            Self::Not(part) => part.visit(see),
            Self::Compare(comparison) => see(comparison),
        }
    }

    /// Every source it reads.
    #[must_use]
    pub fn sources(&self) -> Vec<&Source> {
        let mut sources = Vec::new();
        self.visit(&mut |comparison| sources.push(&comparison.source));
        sources
    }

    /// Whether it reads the chart and nothing else.
    #[must_use]
    pub fn reads_only_facts(&self) -> bool {
        let mut only = true;
        self.visit(&mut |comparison| only &= matches!(comparison.source, Source::Fact(_)));
        only
    }
}

/// One value compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Where the value comes from.
    pub source: Source,
    /// What it is compared with.
    pub test: Test,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// `q`: the answer to a question.
    Question(String),
    /// `f`: a fact of the chart that the nurse confirmed.
    Fact(String),
    /// `v`: a computed value.
    Computed(String),
    /// `rule`: whether a rule or red flag fired.
    Rule(String),
}

/// The closed list of comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `is`
    Is(Literal),
    /// `in`
    In(Vec<Literal>),
    /// `gt`
    MoreThan(Decimal),
    /// `gte`
    AtLeast(Decimal),
    /// `lt`
    LessThan(Decimal),
    /// `lte`
    AtMost(Decimal),
    /// `between`, both ends included
    Between(Decimal, Decimal),
}

impl Test {
    /// The operators a protocol may use.
    pub const OPERATORS: [&str; 7] = ["is", "in", "gt", "gte", "lt", "lte", "between"];
}

/// A value written in a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `true` or `false`
    YesNo(bool),
    /// A number.
    Number(Decimal),
    /// An option of a choice.
    Choice(String),
    /// `unknown`: allowed only where advice is held back.
    Unknown,
}

/// A value made of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Computation {
    /// Sum of the operands.
    Sum(Vec<Source>),
    /// First minus second.
    Minus(Source, Source),
    /// The greatest operand.
    Max(Vec<Source>),
    /// How many hold.
    CountTrue(Vec<Expression>),
}
