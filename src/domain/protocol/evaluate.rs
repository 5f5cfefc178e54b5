//! The evaluator: every rule that holds is kept, the most urgent wins, and nothing that is missing reads as "no".

use super::{
    answer::Answer,
    expression::Truth,
    judge::Judge,
    model::{OverlayRight, Protocol, Rule, RuleKind},
    plan::Step,
};
use crate::domain::disposition::Disposition;
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// What is known when a protocol is evaluated. An absent answer or fact is "not known".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Answers by question.
    pub answers: BTreeMap<String, Answer>,
    /// Facts of the chart that the nurse confirmed.
    pub facts: BTreeMap<String, bool>,
    /// What was confirmed on the call for the goals-of-care overlay.
    pub confirmed: BTreeSet<String>,
}

/// What came of it. It is stored with the assessment and shown with texts by language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evaluation {
    /// What happens next; `None` while nothing has fired.
    pub disposition: Option<Disposition>,
    /// Everything that fired: red flags first, then the most urgent.
    pub fired: Vec<Fired>,
    /// Whether a red flag holds: the questions end and the script is shown.
    pub ends_questions: bool,
    /// Rules that cannot be decided yet, and what they lack.
    pub undecided: Vec<Undecided>,
    /// Questions of the red-flag screen without an answer.
    pub unanswered_red_flags: Vec<String>,
    /// The least level because of them; `None` when every red flag was asked.
    pub floor: Option<Floor>,
    /// What the goals-of-care overlay did.
    pub overlay: OverlayOutcome,
    /// Questions that must be answered before the assessment can be signed.
    pub missing_required: Vec<String>,
    /// Answers so unusual that the nurse should make sure of them.
    pub to_confirm: Vec<String>,
    /// Other protocols to ask as well.
    pub also_run: Vec<String>,
    /// Care advice for this level.
    pub care_advice: Vec<String>,
    /// Care advice that is held back.
    pub withheld_advice: Vec<String>,
    /// Who is told, in order.
    pub escalation: Vec<Step>,
    /// When somebody looks again, in minutes.
    pub follow_up_within_minutes: Option<i64>,
}

impl Evaluation {
    /// The red flags that hold; they are shown whatever else is true.
    pub fn red_flags(&self) -> impl Iterator<Item = &Fired> {
        self.fired.iter().filter(|fired| fired.kind == RuleKind::RedFlag)
    }

    /// Whether a rule or red flag fired.
    #[must_use]
    pub fn has_fired(&self, rule: &str) -> bool {
        self.fired.iter().any(|fired| fired.rule == rule)
    }
}

/// A rule that fired and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fired {
    /// The rule.
    pub rule: String,
    /// Red flag or not.
    pub kind: RuleKind,
    /// Its level.
    pub disposition: Disposition,
    /// The answers and facts that fired it.
    pub because: Vec<Because>,
    /// The references it rests on.
    pub basis: Vec<String>,
}

/// One reason a rule fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Because {
    /// An answer.
    Answer {
        /// The question.
        question: String,
        /// The answer's code.
        value: String,
    },
    /// A confirmed fact of the chart.
    Fact {
        /// The fact.
        fact: String,
        /// What the chart says.
        value: bool,
    },
    /// A fact nobody knows: the rule is urgent, and not knowing is not "no".
    FactNotKnown {
        /// The fact.
        fact: String,
    },
    /// Another rule.
    Rule {
        /// The rule.
        rule: String,
    },
}

/// A rule that cannot be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Undecided {
    /// The rule.
    pub rule: String,
    /// Its level, should it hold.
    pub disposition: Disposition,
    /// Questions and facts it lacks.
    pub lacks: Vec<String>,
}

/// The least level because red flags were not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Floor {
    /// The level.
    pub level: Disposition,
    /// Whether the rules alone would have led to less.
    pub raised: bool,
}

/// What the goals-of-care overlay did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "overlay", rename_all = "snake_case")]
pub enum OverlayOutcome {
    /// There is nothing for it to change.
    #[default]
    NotConcerned,
    /// Help comes by the comfort path.
    Remapped {
        /// From this level.
        from: Disposition,
        /// To this one.
        to: Disposition,
    },
    /// A plan is there or may be, but emergency services stand: what is missing or forbids it.
    Stands {
        /// Whether it is not known if there is a plan.
        plan_not_known: bool,
        /// Confirmations not given on this call.
        missing: Vec<String>,
        /// Rules whose cause is treated whatever the plan.
        not_allowed: Vec<String>,
    },
}

/// Evaluates a protocol over what is known.
#[must_use]
pub fn evaluate(protocol: &Protocol, inputs: &Inputs) -> Evaluation {
    let judge = Judge::new(protocol, inputs);
    let fired = fired(protocol, &judge);
    let ends_questions = fired.iter().any(|fired| fired.kind == RuleKind::RedFlag);
    let unanswered_red_flags = unanswered(protocol, &judge, Screen::RedFlags);
    let highest = fired.iter().map(|fired| fired.disposition).max();
    let floor = (!unanswered_red_flags.is_empty())
        .then(|| Floor { level: protocol.floor, raised: highest.is_none_or(|highest| highest < protocol.floor) });
    let before = highest.max(floor.map(|floor| floor.level));
    let overlay =
        before.map_or(OverlayOutcome::NotConcerned, |before| overlay(protocol, &judge, inputs, before, &fired));
    let disposition = match overlay {
        OverlayOutcome::Remapped { to, .. } => Some(to),
        OverlayOutcome::NotConcerned | OverlayOutcome::Stands { .. } => before,
    };
    let (care_advice, withheld_advice) = care_advice(protocol, &judge, disposition);
    let clock = disposition.and_then(|level| protocol.follow_up.get(&level));
    Evaluation {
        disposition,
        undecided: undecided(protocol, &judge),
        missing_required: if ends_questions { Vec::new() } else { unanswered(protocol, &judge, Screen::Later) },
        to_confirm: to_confirm(protocol, inputs),
        also_run: also_run(protocol, &fired),
        escalation: disposition.and_then(|level| protocol.escalation.get(&level)).cloned().unwrap_or_default(),
        follow_up_within_minutes: clock.map(|clock| clock.within.num_minutes()),
        fired,
        ends_questions,
        unanswered_red_flags,
        floor,
        overlay,
        care_advice,
        withheld_advice,
    }
}

fn fired<'p>(protocol: &'p Protocol, judge: &Judge<'p>) -> Vec<Fired> {
    let mut fired: Vec<Fired> = protocol
        .rules
        .iter()
        .filter(|rule| judge.rule(rule) == Truth::True)
        .map(|rule| Fired {
            rule: rule.id.clone(),
            kind: rule.kind,
            disposition: rule.disposition,
            because: because(judge, rule),
            basis: rule.basis.clone(),
        })
        .collect();
    fired.sort_by_key(|fired| (fired.kind != RuleKind::RedFlag, Reverse(fired.disposition)));
    fired
}

fn because<'p>(judge: &Judge<'p>, rule: &'p Rule) -> Vec<Because> {
    let mut because = Vec::new();
    judge.because(&rule.when, &mut because);
    because
}

fn undecided<'p>(protocol: &'p Protocol, judge: &Judge<'p>) -> Vec<Undecided> {
    let open = protocol.rules.iter().filter(|rule| judge.rule(rule) == Truth::Unknown);
    open.map(|rule| {
        let mut lacks = Vec::new();
        judge.lacks(&rule.when, &mut lacks);
        Undecided { rule: rule.id.clone(), disposition: rule.disposition, lacks }
    })
    .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Screen {
    RedFlags,
    Later,
}

/// Questions of a screen that are asked, must be answered and are not. A red flag that was skipped holds the floor
/// instead of barring the signature: a line that breaks must not leave a call without a decision.
fn unanswered<'p>(protocol: &'p Protocol, judge: &Judge<'p>, screen: Screen) -> Vec<String> {
    protocol
        .questions
        .iter()
        .filter(|question| question.red_flag == (screen == Screen::RedFlags) && !question.optional)
        .filter(|question| question.enable_when.as_ref().is_none_or(|when| judge.expression(when) != Truth::False))
        .filter(|question| judge.answer(&question.id).is_none())
        .map(|question| question.id.clone())
        .collect()
}

fn overlay<'p>(
    protocol: &'p Protocol,
    judge: &Judge<'p>,
    inputs: &Inputs,
    before: Disposition,
    fired: &[Fired],
) -> OverlayOutcome {
    let Some(overlay) = protocol.overlay.as_ref().filter(|overlay| overlay.from == before) else {
        return OverlayOutcome::NotConcerned;
    };
    let plan = judge.expression(&overlay.when);
    if plan == Truth::False {
        return OverlayOutcome::NotConcerned;
    }
    let missing: Vec<String> = overlay.needs.iter().filter(|need| !inputs.confirmed.contains(*need)).cloned().collect();
    let forbids = |fired: &&Fired| {
        fired.disposition == overlay.from
            && protocol.rule(&fired.rule).is_some_and(|rule| rule.overlay == OverlayRight::NotAllowed)
    };
    let not_allowed: Vec<String> = fired.iter().filter(forbids).map(|fired| fired.rule.clone()).collect();
    if plan == Truth::True && missing.is_empty() && not_allowed.is_empty() {
        return OverlayOutcome::Remapped { from: overlay.from, to: overlay.to };
    }
    OverlayOutcome::Stands { plan_not_known: plan == Truth::Unknown, missing, not_allowed }
}

fn to_confirm(protocol: &Protocol, inputs: &Inputs) -> Vec<String> {
    let unusual = inputs.answers.iter().filter(|(id, answer)| protocol.should_confirm(id, answer));
    unusual.map(|(id, _)| id.clone()).collect()
}

fn also_run(protocol: &Protocol, fired: &[Fired]) -> Vec<String> {
    let named = fired.iter().filter_map(|fired| protocol.rule(&fired.rule)?.also_run.clone());
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

fn care_advice<'p>(
    protocol: &'p Protocol,
    judge: &Judge<'p>,
    disposition: Option<Disposition>,
) -> (Vec<String>, Vec<String>) {
    let Some(level) = disposition else { return (Vec::new(), Vec::new()) };
    let mut given = Vec::new();
    let mut withheld = Vec::new();
    for advice in protocol.care_advice.iter().filter(|advice| advice.levels.contains(&level)) {
        let avoid = advice.avoid_when.as_ref().map_or(Truth::False, |when| judge.expression(when));
        let list = if avoid == Truth::False { &mut given } else { &mut withheld };
        list.push(advice.id.clone());
    }
    (given, withheld)
}
