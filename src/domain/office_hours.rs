//! Whether the office is open when somebody rings, on the organization's own clock, and what happens when it is not.

use super::contact_hours::{ContactHours, local_instant};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// How many days ahead an opening is looked for; no holidays last longer.
const LOOK_AHEAD_DAYS: i64 = 31;

/// What happens to whoever rings while the office is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterHours {
    /// As at any hour: the nurse on duty is rung.
    #[default]
    Ring,
    /// A person rings back once the office is open.
    RingBack,
}

impl AfterHours {
    /// Every rule, in the order forms list them.
    pub const ALL: [Self; 2] = [Self::Ring, Self::RingBack];

    /// The word stored and sent by forms.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::RingBack => "ring_back",
        }
    }

    /// The rule of a stored or sent word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.word() == word)
    }
}

/// The office's hours.
#[derive(Clone, Debug)]
pub struct Office {
    /// Its hours on every day.
    pub hours: ContactHours,
    /// Days on which it is closed.
    pub holidays: BTreeSet<NaiveDate>,
    /// Its clock.
    pub zone: Tz,
    /// What happens outside them.
    pub after_hours: AfterHours,
}

/// Whether somebody finds it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfficeDoor {
    /// Yes.
    Open,
    /// No; it opens then.
    ClosedUntil(DateTime<Utc>),
}

impl Office {
    /// Whether it is open at an instant, and when it opens if not. An office that stays closed for a month is taken to open
    /// in a day, so that every promise has a time.
    #[must_use]
    pub fn door(&self, at: DateTime<Utc>) -> OfficeDoor {
        let local = at.with_timezone(&self.zone);
        let (today, time) = (local.date_naive(), local.time());
        if !self.holidays.contains(&today) && time >= self.hours.from && time < self.hours.until {
            return OfficeDoor::Open;
        }
        let opens = (0..=LOOK_AHEAD_DAYS)
            .map(|ahead| today + Duration::days(ahead))
            .filter(|day| !self.holidays.contains(day))
            .map(|day| local_instant(day, self.hours.from, self.zone))
            .find(|opens| *opens > at);
        OfficeDoor::ClosedUntil(opens.unwrap_or(at + Duration::days(1)))
    }
}
