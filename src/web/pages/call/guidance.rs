//! Questions of the nurse with their quoted answers, newest first.

use crate::{
    domain::guidance::{GuidanceView, Outcome, Statement},
    web::pages::{icons, words},
};
use askama::Template;
use chrono_tz::Tz;

/// The answers of a call.
#[derive(Template)]
#[template(path = "parts/guidance.html")]
pub struct GuidancePart {
    answers: Vec<GuidanceView>,
    zone: Tz,
}

impl GuidancePart {
    /// From what was shown on the call, oldest first.
    #[must_use]
    pub fn of(mut answers: Vec<GuidanceView>, zone: Tz) -> Self {
        answers.reverse();
        Self { answers, zone }
    }
}

/// Whether a statement is its quote, which is then shown once.
fn is_verbatim(statement: &Statement) -> bool {
    matches!(statement.quotes.as_slice(), [quote] if quote.span == statement.text)
}
