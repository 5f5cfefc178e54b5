//! An evaluation in words: what fired and why, what is missing, what to say and do. English is for the nurse; what is
//! read to the caller is also there in the caller's language.

use crate::domain::{
    disposition::Disposition,
    people::Language,
    protocol::{
        Package,
        evaluate::{Because, Evaluation, Fired, OverlayOutcome},
        model::RuleKind,
        plan::Step,
    },
};

/// A text the nurse reads, and the same as it is read to the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// For the nurse.
    pub english: String,
    /// For the caller.
    pub spoken: String,
}

/// An evaluation in words.
#[derive(Clone)]
pub struct Words {
    /// What happens next; `None` while nothing has fired.
    pub disposition: Option<Disposition>,
    /// Whether a red flag holds: the questions end and the script is shown.
    pub ends_questions: bool,
    /// What to say now, when a red flag holds.
    pub script: Option<Said>,
    /// Red flags that hold.
    pub red_flags: Vec<FiredWords>,
    /// Other rules that hold, the most urgent first.
    pub rules: Vec<FiredWords>,
    /// Rules that cannot be decided yet.
    pub undecided: Vec<Undecided>,
    /// Why it is not lower, when red flags were not asked.
    pub floor: Option<String>,
    /// Red flags that were not asked.
    pub unanswered_red_flags: Vec<String>,
    /// What the goals-of-care overlay did.
    pub overlay: Option<OverlayWords>,
    /// Questions that bar the signature.
    pub missing_required: Vec<String>,
    /// Advice to read to the caller.
    pub care_advice: Vec<Said>,
    /// Advice that is held back because of what is or is not known.
    pub withheld_advice: Vec<String>,
    /// Who is told, in order.
    pub escalation: Vec<String>,
    /// When somebody looks again, in minutes.
    pub follow_up_within_minutes: Option<i64>,
    /// What to watch for until then.
    pub safety_net: Option<Said>,
    /// Other protocols to ask as well.
    pub also_run: Vec<String>,
}

/// A rule that fired, in words.
#[derive(Clone)]
pub struct FiredWords {
    /// Its id.
    pub rule: String,
    /// What it means.
    pub title: String,
    /// Its level.
    pub disposition: Disposition,
    /// The answers and facts that fired it, one sentence each.
    pub because: Vec<String>,
    /// What it rests on, as cited.
    pub basis: Vec<String>,
}

/// A rule that cannot be decided, in words.
#[derive(Clone)]
pub struct Undecided {
    /// Its id.
    pub rule: String,
    /// What it would mean.
    pub title: String,
    /// Its level, should it hold.
    pub disposition: Disposition,
    /// What it lacks.
    pub lacks: Vec<String>,
}

/// What the goals-of-care overlay did, in words.
#[derive(Clone)]
pub enum OverlayWords {
    /// Help comes by the comfort path.
    Remapped,
    /// Emergency services stand, and why.
    Stands(Vec<String>),
}

/// Puts an evaluation into words.
#[must_use]
pub fn words(package: &Package, evaluation: &Evaluation, language: Language) -> Words {
    let teller = Teller { package, language };
    let (red_flags, rules): (Vec<&Fired>, Vec<&Fired>) =
        evaluation.fired.iter().partition(|fired| fired.kind == RuleKind::RedFlag);
    let level = evaluation.disposition;
    let clock = level.and_then(|level| package.protocol.follow_up.get(&level));
    Words {
        disposition: level,
        ends_questions: evaluation.ends_questions,
        script: level.filter(|_| evaluation.ends_questions).and_then(|level| teller.script(level)),
        red_flags: red_flags.into_iter().map(|fired| teller.fired(fired)).collect(),
        rules: rules.into_iter().map(|fired| teller.fired(fired)).collect(),
        undecided: evaluation
            .undecided
            .iter()
            .map(|open| Undecided {
                rule: open.rule.clone(),
                title: teller.english(&format!("rule.{}", open.rule)),
                disposition: open.disposition,
                lacks: open.lacks.iter().map(|id| teller.asked(id)).collect(),
            })
            .collect(),
        floor: evaluation.floor.map(|_| teller.english("unknown.red_flag")),
        unanswered_red_flags: evaluation.unanswered_red_flags.iter().map(|id| teller.asked(id)).collect(),
        overlay: teller.overlay(&evaluation.overlay),
        missing_required: evaluation.missing_required.iter().map(|id| teller.asked(id)).collect(),
        care_advice: teller.advice(&evaluation.care_advice),
        withheld_advice: teller.advice(&evaluation.withheld_advice).into_iter().map(|said| said.english).collect(),
        escalation: evaluation.escalation.iter().map(step).collect(),
        follow_up_within_minutes: evaluation.follow_up_within_minutes,
        safety_net: clock.and_then(|clock| clock.safety_net.as_deref()).map(|key| teller.said(key)),
        also_run: evaluation.also_run.clone(),
    }
}

pub(super) struct Teller<'p> {
    pub package: &'p Package,
    pub language: Language,
}

impl Teller<'_> {
    pub fn english(&self, key: &str) -> String {
        self.package.text(Language::English, key).to_owned()
    }

    pub fn said(&self, key: &str) -> Said {
        Said { english: self.english(key), spoken: self.package.text(self.language, key).to_owned() }
    }

    /// The question or fact behind an id.
    pub fn asked(&self, id: &str) -> String {
        match self.package.protocol.question(id) {
            Some(question) => self.english(&question.ask),
            None => self.english(&format!("fact.{id}")),
        }
    }

    fn script(&self, level: Disposition) -> Option<Said> {
        let key = format!("script.{}", level.code());
        let said = self.said(&key);
        (said.english != key).then_some(said)
    }

    fn fired(&self, fired: &Fired) -> FiredWords {
        let cite = |id: &String| {
            let references = &self.package.protocol.references;
            references
                .iter()
                .find(|reference| reference.id == *id)
                .map_or_else(|| id.clone(), |found| found.cite.clone())
        };
        FiredWords {
            rule: fired.rule.clone(),
            title: self.english(&format!("rule.{}", fired.rule)),
            disposition: fired.disposition,
            because: fired.because.iter().map(|because| self.because(because)).collect(),
            basis: fired.basis.iter().map(cite).collect(),
        }
    }

    fn because(&self, because: &Because) -> String {
        match because {
            Because::Answer { question, value } => {
                format!("{} {}", self.asked(question), self.answer_words(question, value))
            }
            Because::Fact { fact, value } => {
                format!("{}: {}", self.asked(fact), if *value { "yes" } else { "no" })
            }
            Because::FactNotKnown { fact } => {
                format!("{}: not known, and not knowing is not “no”", self.asked(fact))
            }
            Because::Rule { rule } => self.english(&format!("rule.{rule}")),
        }
    }

    /// An answer as a person reads it: labels for options, units for numbers.
    pub fn answer_words(&self, question: &str, code: &str) -> String {
        use crate::domain::protocol::model::QuestionKind;
        let Some(question) = self.package.protocol.question(question) else { return code.to_owned() };
        let option = |option: &str| self.english(&format!("opt.{}.{option}", question.id));
        match &question.kind {
            QuestionKind::YesNo => if code == "yes" { "Yes" } else { "No" }.to_owned(),
            QuestionKind::Choice(_) => option(code),
            QuestionKind::Choices(_) => code.split(',').map(option).collect::<Vec<_>>().join(", "),
            QuestionKind::Whole(measure) | QuestionKind::Number(measure) | QuestionKind::Duration(measure) => {
                format!("{code} {}", unit_words(&measure.unit))
            }
            QuestionKind::Rating { .. } | QuestionKind::Date | QuestionKind::Words => code.to_owned(),
        }
    }

    fn overlay(&self, outcome: &OverlayOutcome) -> Option<OverlayWords> {
        match outcome {
            OverlayOutcome::NotConcerned => None,
            OverlayOutcome::Remapped { .. } => Some(OverlayWords::Remapped),
            OverlayOutcome::Stands { plan_not_known, missing, not_allowed } => {
                let unknown = plan_not_known.then(|| "It is not known whether there is a comfort-only plan".to_owned());
                let missing =
                    missing.iter().map(|need| format!("Not confirmed: {}", self.english(&format!("need.{need}"))));
                let forbidden = not_allowed
                    .iter()
                    .map(|rule| format!("Treated whatever the plan: {}", self.english(&format!("rule.{rule}"))));
                Some(OverlayWords::Stands(unknown.into_iter().chain(missing).chain(forbidden).collect()))
            }
        }
    }

    fn advice(&self, ids: &[String]) -> Vec<Said> {
        let known =
            ids.iter().filter_map(|id| self.package.protocol.care_advice.iter().find(|advice| advice.id == *id));
        known.map(|advice| self.said(&advice.text)).collect()
    }
}

/// A unit as it is written for people.
#[must_use]
pub fn unit_words(unit: &str) -> &str {
    if unit == "Cel" { "°C" } else { unit }
}

fn person(code: &str) -> String {
    code.replace('_', " ")
}

fn step(step: &Step) -> String {
    match step {
        Step::StayOnLine => "Stay on the line".to_owned(),
        Step::CallerDials { target } => format!("The caller dials {target} on another phone"),
        Step::Notify { who, ack_within_minutes, otherwise } => {
            let (who, otherwise) = (person(who), person(otherwise));
            format!("Tell the {who}, who answers within {ack_within_minutes} minutes; otherwise {otherwise}")
        }
        Step::WarmTransfer { who, ack_within_minutes, otherwise } => {
            let (who, otherwise) = (person(who), person(otherwise));
            format!("Hand the call to the {who} within {ack_within_minutes} minutes; otherwise {otherwise}")
        }
        Step::Task { who, due_minutes, otherwise } => {
            let (who, otherwise) = (person(who), person(otherwise));
            format!("Work for the {who}, due in {}; otherwise {otherwise}", span(*due_minutes))
        }
    }
}

fn span(minutes: i64) -> String {
    match minutes {
        minutes if minutes >= 2880 && minutes % 1440 == 0 => format!("{} days", minutes / 1440),
        minutes if minutes >= 120 && minutes % 60 == 0 => format!("{} hours", minutes / 60),
        minutes => format!("{minutes} minutes"),
    }
}
