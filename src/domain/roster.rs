//! When a nurse works: weekly shifts in the organization's zone, and days that are not like the others.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

/// One weekly stretch of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// ISO 8601: Monday is 1, Sunday 7.
    pub weekday: u32,
    /// When it begins and ends, local time.
    pub hours: Hours,
    /// Its first day.
    pub starts_on: NaiveDate,
    /// Its last day; `None` while it goes on.
    pub ends_on: Option<NaiveDate>,
}

/// From one minute up to another of one day; an end in the day's last minute is midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first minute.
    pub from: NaiveTime,
    /// The first minute after.
    pub until: NaiveTime,
}

impl Hours {
    /// Whether a time of day is inside.
    #[must_use]
    pub fn cover(self, time: NaiveTime) -> bool {
        let to_midnight = NaiveTime::from_hms_opt(23, 59, 0).is_some_and(|last| self.until >= last);
        time >= self.from && (time < self.until || to_midnight)
    }
}

/// What is different about a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Away, whatever the shifts say.
    Off,
    /// At work, whatever the shifts say.
    Extra,
}

impl Difference {
    /// The word stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Extra => "extra",
        }
    }

    /// The one of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Off, Self::Extra].into_iter().find(|one| one.word() == word)
    }
}

/// One day that is not like the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The day, in the organization's zone.
    pub day: NaiveDate,
    /// What is different.
    pub difference: Difference,
    /// In which hours.
    pub hours: Hours,
}

/// Whether somebody is there at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Their roster says they work.
    AtWork,
    /// Their roster says they do not.
    Off,
    /// Nobody wrote a roster for them: whether they are on duty is all that is known.
    Unplanned,
}

/// Everything known about one person's work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Weekly stretches.
    pub shifts: Vec<Shift>,
    /// Days that differ. Being away outranks everything else.
    pub exceptions: Vec<Exception>,
}

impl Roster {
    /// Whether the person is there.
    #[must_use]
    pub fn presence(&self, at: DateTime<Utc>, zone: Tz) -> Presence {
        let local = at.with_timezone(&zone).naive_local();
        let differs = |wanted: Difference| {
            self.exceptions.iter().any(|exception| {
                exception.difference == wanted && exception.day == local.date() && exception.hours.cover(local.time())
            })
        };
        if differs(Difference::Off) {
            return Presence::Off;
        }
        if differs(Difference::Extra) {
            return Presence::AtWork;
        }
        if self.shifts.is_empty() {
            return Presence::Unplanned;
        }
        let weekday = local.weekday().number_from_monday();
        let on_shift = self.shifts.iter().any(|shift| {
            shift.weekday == weekday
                && shift.starts_on <= local.date()
                && shift.ends_on.is_none_or(|last| last >= local.date())
                && shift.hours.cover(local.time())
        });
        if on_shift { Presence::AtWork } else { Presence::Off }
    }
}
