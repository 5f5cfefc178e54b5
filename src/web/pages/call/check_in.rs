//! A check-in by keypad or by text on the page of its call: what was answered, as it comes, and what ended the questions.

use crate::{
    domain::{check_in::Ending, contact_hours::Channel, disposition::Disposition, people::Language},
    flows::open_call::CallPage,
    web::pages::{icons, words},
};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The answers so far.
#[derive(Clone, Template)]
#[template(path = "parts/check_in.html")]
pub struct CheckInPart {
    channel: Channel,
    ending: Option<Ending>,
    red_flag: Option<String>,
    level: Disposition,
    lines: Vec<Line>,
    zone: Tz,
}

/// One answer.
#[derive(Clone)]
struct Line {
    at: DateTime<Utc>,
    question: String,
    answer: String,
    alarms: bool,
}

impl CheckInPart {
    /// From the call as it was read; `None` when it is no check-in or has not begun.
    #[must_use]
    pub fn of(page: &CallPage) -> Option<Self> {
        let (seen, package) = page.check_in.as_ref()?;
        let english = |key: &str| package.text(Language::English, key).to_owned();
        let line = |pressed: &crate::flows::open_call::Pressed| Line {
            at: pressed.at,
            question: package.question_text(&pressed.question).to_owned(),
            answer: words::plain(pressed.value.reveal()),
            alarms: pressed.value.reveal() == "yes",
        };
        Some(Self {
            channel: seen.channel,
            ending: seen.ending,
            red_flag: seen.red_flag.as_ref().map(|rule| english(&format!("rule.{rule}"))),
            level: seen.level,
            lines: seen.pressed.iter().map(line).collect(),
            zone: page.zone,
        })
    }
}
