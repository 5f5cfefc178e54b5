//! Answers: typed at the door. Zero and "no" are answers; only an absent one is missing.

use super::{
    decimal::Decimal,
    model::{Measure, Protocol, Question, QuestionKind},
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes or no.
    YesNo(bool),
    /// A number, in the question's unit.
    #[schema(value_type = String)]
    Number(Decimal),
    /// An option.
    Choice(String),
    /// Some options.
    Choices(BTreeSet<String>),
    /// Words, or a day.
    Words(String),
}

impl Answer {
    /// The answer as a form field holds it, and as `Protocol::read_answer` reads it again.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::YesNo(true) => "yes".to_owned(),
            Self::YesNo(false) => "no".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Choice(option) => option.clone(),
            Self::Choices(options) => options.iter().map(String::as_str).collect::<Vec<_>>().join(","),
            Self::Words(words) => words.clone(),
        }
    }
}

/// Why an answer cannot be taken. It never repeats the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AnswerFault {
    /// The question.
    pub question: String,
    /// What is allowed, in a sentence.
    pub message: String,
}

/// The most an answer in words may hold, in characters.
const LONGEST_WORDS: usize = 2000;

impl Protocol {
    /// Reads what a person typed or chose.
    ///
    /// # Errors
    /// An unknown question, or an answer outside of what makes sense: the text says what is allowed.
    pub fn read_answer(&self, id: &str, text: &str) -> Result<Answer, AnswerFault> {
        let Some(question) = self.question(id) else {
            let message = format!("This protocol asks no question called `{id}`.");
            return Err(AnswerFault { question: id.to_owned(), message });
        };
        let text = text.trim();
        match &question.kind {
            QuestionKind::YesNo => match text {
                "yes" | "true" => Ok(Answer::YesNo(true)),
                "no" | "false" => Ok(Answer::YesNo(false)),
                _ => Err(question.refuse("answer yes or no")),
            },
            QuestionKind::Rating { from, to } => {
                let within = |number: &Decimal| number.is_whole() && number >= from && number <= to;
                let number = Decimal::parse(text).filter(within);
                let allowed = || format!("write a whole number from {from} to {to}");
                number.map(Answer::Number).ok_or_else(|| question.refuse(&allowed()))
            }
            QuestionKind::Whole(measure) => question.measured(measure, text, Decimal::is_whole),
            QuestionKind::Number(measure) | QuestionKind::Duration(measure) => {
                question.measured(measure, text, |_| true)
            }
            QuestionKind::Choice(options) => {
                let known = options.iter().any(|option| option == text);
                if known { Ok(Answer::Choice(text.to_owned())) } else { Err(question.refuse(&one_of(options))) }
            }
            QuestionKind::Choices(options) => question.chosen(options, text),
            QuestionKind::Date => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                Ok(day) => Ok(Answer::Words(day.to_string())),
                Err(_) => Err(question.refuse("write a day such as 2026-11-21")),
            },
            QuestionKind::Words if text.chars().count() > LONGEST_WORDS => {
                Err(question.refuse(&format!("write at most {LONGEST_WORDS} characters")))
            }
            QuestionKind::Words => Ok(Answer::Words(text.to_owned())),
        }
    }

    /// Whether an answer is so unusual that the nurse should make sure of it.
    #[must_use]
    pub fn should_confirm(&self, id: &str, answer: &Answer) -> bool {
        let Some(question) = self.question(id) else { return false };
        let (QuestionKind::Whole(measure) | QuestionKind::Number(measure) | QuestionKind::Duration(measure)) =
            &question.kind
        else {
            return false;
        };
        match (answer, measure.confirm_outside) {
            (Answer::Number(number), Some((low, high))) => *number < low || *number > high,
            _ => false,
        }
    }
}

impl Question {
    fn refuse(&self, allowed: &str) -> AnswerFault {
        AnswerFault { question: self.id.clone(), message: format!("Question `{}`: {allowed}.", self.id) }
    }

    fn measured(&self, measure: &Measure, text: &str, fits: impl Fn(Decimal) -> bool) -> Result<Answer, AnswerFault> {
        let (low, high) = measure.plausible;
        let number = read_number(measure, text).filter(|number| fits(*number) && *number >= low && *number <= high);
        let unit = match measure.unit.as_str() {
            "Cel" => "°C, such as 38.2, or °F with an F, such as 100.8F".to_owned(),
            unit => format!("{unit}, with a point before decimals"),
        };
        number.map(Answer::Number).ok_or_else(|| self.refuse(&format!("write a number from {low} to {high} in {unit}")))
    }

    fn chosen(&self, options: &[String], text: &str) -> Result<Answer, AnswerFault> {
        let chosen: BTreeSet<String> =
            text.split(',').map(str::trim).filter(|option| !option.is_empty()).map(str::to_owned).collect();
        if chosen.is_empty() || chosen.iter().any(|option| !options.contains(option)) {
            return Err(self.refuse(&format!("choose some of {}", options.join(", "))));
        }
        if chosen.contains("none") && chosen.len() > 1 {
            return Err(self.refuse("`none` cannot stand beside another option"));
        }
        Ok(Answer::Choices(chosen))
    }
}

fn one_of(options: &[String]) -> String {
    format!("choose one of {}", options.join(", "))
}

/// A number in the question's unit; a temperature may be given in degrees Fahrenheit when it says so.
fn read_number(measure: &Measure, text: &str) -> Option<Decimal> {
    match text.strip_suffix(['F', 'f']) {
        Some(fahrenheit) if measure.unit == "Cel" => {
            Decimal::parse(fahrenheit.trim().trim_end_matches('°').trim()).map(Decimal::celsius_of_fahrenheit)
        }
        _ => Decimal::parse(text),
    }
}
