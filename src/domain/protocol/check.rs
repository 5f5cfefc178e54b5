//! The examiner: what a protocol must pass before a nurse may use it. Its own scenarios, coverage of every rule,
//! urgency that never falls as things get worse, missing answers that never read as "no", and small deliberate mistakes
//! that the scenarios must notice.

use super::{
    answer::Answer,
    decimal::Decimal,
    evaluate::{Evaluation, Inputs, evaluate},
    expression::Source,
    model::{Direction, Protocol, Question, Rule},
    mutate::{Mutant, mutants},
    package::{Package, Scenario},
    vary::{cuts, values},
};
use crate::domain::disposition::Disposition;
use serde::Serialize;

/// At least this share of deliberate mistakes must be noticed, in percent.
pub const LEAST_KILLED_PERCENT: usize = 95;

/// A question of more words cannot be read aloud.
pub const MOST_WORDS: usize = 25;

/// What the examiner found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The protocol and its version.
    pub protocol: String,
    /// SHA-256 of the package, in hexadecimal.
    pub sha256: String,
    /// How many scenarios ran.
    pub scenarios: usize,
    /// Scenarios with another outcome than expected, and what came instead.
    pub failed: Vec<String>,
    /// Rules and red flags that never fired or always fired.
    pub not_covered: Vec<String>,
    /// Complete answers that lead nowhere.
    pub gaps: Vec<String>,
    /// Answers that got worse and became less urgent.
    pub not_monotone: Vec<String>,
    /// Missing answers that read as an answer.
    pub missing_read_as_no: Vec<String>,
    /// Universal red flags that do not lead to emergency services.
    pub universal_weakened: Vec<String>,
    /// How many deliberate mistakes were made.
    pub mutants: usize,
    /// Those no scenario noticed.
    pub survivors: Vec<String>,
    /// Questions too long to be read aloud, by language.
    pub too_long: Vec<String>,
    /// How many passages can be cited.
    pub passages: usize,
    /// How many evaluations it took.
    pub evaluations: usize,
}

impl Report {
    /// Whether the protocol may be used.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        let faults = [
            &self.failed,
            &self.not_covered,
            &self.gaps,
            &self.not_monotone,
            &self.missing_read_as_no,
            &self.universal_weakened,
            &self.too_long,
        ];
        faults.iter().all(|faults| faults.is_empty()) && self.killed() * 100 >= self.mutants * LEAST_KILLED_PERCENT
    }

    /// How many deliberate mistakes were noticed.
    #[must_use]
    pub const fn killed(&self) -> usize {
        self.mutants.saturating_sub(self.survivors.len())
    }
}

/// Examines a package.
#[must_use]
pub fn check(package: &Package) -> Report {
    let mut examiner = Examiner { package, protocol: &package.protocol, report: Report::default() };
    examiner.report.protocol = format!("{} {}", package.protocol.header.id, package.protocol.header.version);
    examiner.report.sha256 = hex::encode(package.sha256);
    examiner.report.passages = package.passages.len();
    examiner.run_scenarios();
    examiner.sweep_universal();
    examiner.sweep_worse();
    examiner.sweep_missing();
    examiner.sweep_gaps();
    examiner.mutate();
    examiner.read_aloud();
    examiner.report
}

struct Examiner<'p> {
    package: &'p Package,
    protocol: &'p Protocol,
    report: Report,
}

impl Examiner<'_> {
    fn evaluate(&mut self, inputs: &Inputs) -> Evaluation {
        self.report.evaluations += 1;
        evaluate(self.protocol, inputs)
    }

    fn run_scenarios(&mut self) {
        let package = self.package;
        self.report.scenarios = package.scenarios.len();
        let evaluations: Vec<Evaluation> =
            package.scenarios.iter().map(|scenario| self.evaluate(&scenario.inputs)).collect();
        for (scenario, evaluation) in package.scenarios.iter().zip(&evaluations) {
            if let Some(instead) = disappointment(scenario, evaluation) {
                self.report.failed.push(format!("{}: {instead}", scenario.id));
            }
        }
        for rule in &self.protocol.rules {
            let fired = evaluations.iter().filter(|evaluation| evaluation.has_fired(&rule.id)).count();
            if fired == 0 {
                self.report.not_covered.push(format!("{} never fires", rule.id));
            } else if fired == evaluations.len() {
                self.report.not_covered.push(format!("{} always fires", rule.id));
            }
        }
    }

    /// Every universal red flag leads to emergency services, whatever else is answered.
    fn sweep_universal(&mut self) {
        let package = self.package;
        for question in self.protocol.questions.iter().filter(|question| question.universal) {
            for scenario in &package.scenarios {
                let mut inputs = scenario.inputs.clone();
                inputs.confirmed.clear();
                inputs.answers.insert(question.id.clone(), Answer::YesNo(true));
                if self.evaluate(&inputs).disposition != Some(Disposition::EmergencyNow) {
                    self.report.universal_weakened.push(format!("{} in {}", question.id, scenario.id));
                }
            }
        }
    }

    /// As an answer gets worse, urgency never falls.
    fn sweep_worse(&mut self) {
        let package = self.package;
        for question in &self.protocol.questions {
            let mut worsening: Vec<Decimal> = cuts(self.protocol, question);
            match question.direction {
                Direction::HigherWorse => {}
                Direction::LowerWorse => worsening.reverse(),
                Direction::Neither => continue,
            }
            for scenario in &package.scenarios {
                let mut before: Option<(Decimal, Option<Disposition>)> = None;
                for value in &worsening {
                    let mut inputs = scenario.inputs.clone();
                    inputs.answers.insert(question.id.clone(), Answer::Number(*value));
                    let level = self.evaluate(&inputs).disposition;
                    if let Some((better, level_before)) = before
                        && level < level_before
                    {
                        let (now, then) = (word(level), word(level_before));
                        self.report.not_monotone.push(format!(
                            "{}: {} from {better} to {value} falls from {then} to {now}",
                            scenario.id, question.id
                        ));
                    }
                    before = Some((*value, level));
                }
            }
        }
    }

    /// Each answer in turn is taken away: a red flag then holds the floor, a required answer bars the signature, and
    /// nothing that needs it fires.
    fn sweep_missing(&mut self) {
        let package = self.package;
        for scenario in &package.scenarios {
            for id in scenario.inputs.answers.keys() {
                let Some(question) = self.protocol.question(id) else { continue };
                let mut inputs = scenario.inputs.clone();
                inputs.answers.remove(id);
                let evaluation = self.evaluate(&inputs);
                if let Some(fault) = reads_as_an_answer(self.protocol, question, &evaluation) {
                    self.report.missing_read_as_no.push(format!("{} without {id}: {fault}", scenario.id));
                }
            }
        }
    }

    /// Every pair of answers, varied over what matters, still leads somewhere.
    fn sweep_gaps(&mut self) {
        let Some(base) = self.package.scenarios.first() else { return };
        let base = base.inputs.clone();
        let varied: Vec<(&str, Vec<Answer>)> = self
            .protocol
            .questions
            .iter()
            .map(|question| (question.id.as_str(), values(self.protocol, question)))
            .collect();
        for (index, (first, answers)) in varied.iter().enumerate() {
            for answer in answers {
                let mut inputs = base.clone();
                inputs.answers.insert((*first).to_owned(), answer.clone());
                self.note_gap(&inputs, first, first);
                for (second, others) in varied.iter().skip(index + 1) {
                    for other in others {
                        let mut inputs = inputs.clone();
                        inputs.answers.insert((*second).to_owned(), other.clone());
                        self.note_gap(&inputs, first, second);
                    }
                }
            }
        }
    }

    fn note_gap(&mut self, inputs: &Inputs, first: &str, second: &str) {
        let evaluation = self.evaluate(inputs);
        if evaluation.disposition.is_none() && evaluation.missing_required.is_empty() {
            let told = |id| inputs.answers.get(id).map(Answer::code).unwrap_or_default();
            let (one, other) = (told(first), told(second));
            self.report.gaps.push(format!("{first} {one} and {second} {other} have no disposition"));
        }
    }

    fn mutate(&mut self) {
        let scenarios = &self.package.scenarios;
        for Mutant { what, protocol } in mutants(self.protocol) {
            self.report.mutants += 1;
            let noticed = scenarios.iter().any(|scenario| {
                self.report.evaluations += 1;
                disappointment(scenario, &evaluate(&protocol, &scenario.inputs)).is_some()
            });
            if !noticed {
                self.report.survivors.push(what);
            }
        }
    }

    fn read_aloud(&mut self) {
        for question in &self.protocol.questions {
            for (language, texts) in &self.package.texts {
                let words = texts.get(&question.ask).map_or(0, |text| text.split_whitespace().count());
                if words > MOST_WORDS {
                    self.report.too_long.push(format!("{} in {language} has {words} words", question.id));
                }
            }
        }
    }
}

/// What came instead of what a scenario expects.
fn disappointment(scenario: &Scenario, evaluation: &Evaluation) -> Option<String> {
    let expect = &scenario.expect;
    if expect.disposition.is_some() && evaluation.disposition != expect.disposition {
        return Some(format!("{} instead of {}", word(evaluation.disposition), word(expect.disposition)));
    }
    if let Some(rule) = expect.fired.iter().find(|rule| !evaluation.has_fired(rule)) {
        return Some(format!("{rule} did not fire"));
    }
    if let Some(rule) = expect.not_fired.iter().find(|rule| evaluation.has_fired(rule)) {
        return Some(format!("{rule} fired"));
    }
    let shown = |rule: &&String| evaluation.red_flags().any(|flag| flag.rule == **rule);
    expect.shown_red_flags.iter().find(|rule| !shown(rule)).map(|rule| format!("{rule} is not shown"))
}

fn reads_as_an_answer(protocol: &Protocol, question: &Question, evaluation: &Evaluation) -> Option<&'static str> {
    if question.red_flag {
        if !evaluation.unanswered_red_flags.contains(&question.id) {
            return Some("it is not listed as unanswered");
        }
        if evaluation.disposition.is_none_or(|level| level < protocol.floor) {
            return Some("it is below the floor");
        }
    } else if !question.optional && !evaluation.ends_questions && !evaluation.missing_required.contains(&question.id) {
        return Some("the signature is not barred");
    }
    let rests_on_it = |rule: &&Rule| match rule.when.sources().as_slice() {
        [Source::Question(id)] => *id == question.id,
        _ => false,
    };
    let fired = protocol.rules.iter().filter(rests_on_it).any(|rule| evaluation.has_fired(&rule.id));
    fired.then_some("a rule that needs it fired")
}

fn word(level: Option<Disposition>) -> &'static str {
    level.map_or("nothing", Disposition::code)
}
