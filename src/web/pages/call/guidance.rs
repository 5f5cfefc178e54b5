//! Questions of the nurse with their quoted answers, newest first.

use crate::{
    domain::guidance::{GuidanceView, Outcome},
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
