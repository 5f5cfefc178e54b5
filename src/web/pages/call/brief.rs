//! The brief: what the nurse reads before saying a word.

use crate::{
    flows::open_call::{Brief, CallPage},
    web::pages::{icons, words},
};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The brief of a patient.
#[derive(Template)]
#[template(path = "parts/brief.html")]
pub struct BriefPart {
    brief: Brief,
    now: DateTime<Utc>,
    zone: Tz,
}

impl BriefPart {
    /// From the call as it was read.
    #[must_use]
    pub fn of(page: &CallPage) -> Self {
        Self { brief: page.brief.clone(), now: page.now, zone: page.zone }
    }
}
