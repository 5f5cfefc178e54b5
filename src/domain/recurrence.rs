//! When a care plan falls due: a rule of RFC 5545 (RRULE), read on the patient's own clock. The local time of day is kept
//! over every change of the clocks; a time that a change skips moves to the first minute that exists, and one that comes
//! twice means the later, so nobody is rung early.

use super::contact_hours::local_instant;
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};

/// Longest rule that is read, in characters.
pub const LONGEST_RULE: usize = 200;
/// How far ahead a rule must fall due at least once.
const MUST_FALL_WITHIN: Duration = Duration::days(5 * 366);

/// A rule with its first day and its time of day.
#[derive(Clone, Debug)]
pub struct Recurrence {
    rule: String,
    at: NaiveTime,
    days: RRuleSet,
}

/// One time a plan falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// On the patient's clock, as the rule says it: what makes it this occurrence and no other.
    pub local: NaiveDateTime,
    /// The instant.
    pub at: DateTime<Utc>,
}

/// What is wrong with a rule, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecurrence {
    /// It cannot be read.
    #[error("this rule cannot be read; write one such as FREQ=WEEKLY;BYDAY=MO,TH or choose from the list")]
    Unreadable,
    /// It falls more than once a day.
    #[error(
        "a care plan rings at most once a day; use DAILY, WEEKLY, MONTHLY or YEARLY, and a second plan for another hour"
    )]
    TooOften,
    /// It says the hour.
    #[error("leave BYHOUR, BYMINUTE and BYSECOND out; the time of day has a field of its own")]
    NamesHours,
    /// It has no date.
    #[error("this rule falls on no day within five years; correct its days or its end")]
    Never,
}

impl Recurrence {
    /// Reads a rule as it was written; `RRULE:` in front, lower case and a last day without a time are understood.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(rule: &str, starts_on: NaiveDate, at: NaiveTime) -> Result<Self, BadRecurrence> {
        let rule = normal(rule).ok_or(BadRecurrence::Unreadable)?;
        let read: RRule<Unvalidated> = rule.parse().map_err(|_| BadRecurrence::Unreadable)?;
        match read.get_freq() {
            Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily => {}
            Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => return Err(BadRecurrence::TooOften),
        }
        if parts(&rule).any(|(name, _)| matches!(name, "BYHOUR" | "BYMINUTE" | "BYSECOND")) {
            return Err(BadRecurrence::NamesHours);
        }
        // The rule is unrolled on a clock without changes and its days are put on the patient's clock afterwards.
        let start = rrule::Tz::UTC.from_utc_datetime(&starts_on.and_time(at));
        let days = read.build(start).map_err(|_| BadRecurrence::Never)?;
        let recurrence = Self { rule, at, days };
        let first_day = starts_on.and_time(NaiveTime::MIN);
        if recurrence.unrolled(first_day, first_day + MUST_FALL_WITHIN, 1).is_empty() {
            return Err(BadRecurrence::Never);
        }
        Ok(recurrence)
    }

    /// The rule as it is stored.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The times it falls due after one instant and up to another, at most `most`, first ones first.
    #[must_use]
    pub fn between(&self, zone: Tz, after: DateTime<Utc>, until: DateTime<Utc>, most: u16) -> Vec<Occurrence> {
        // A day of slack on both sides: a clock change may move an occurrence over either bound.
        let from = after.with_timezone(&zone).naive_local() - Duration::days(1);
        let to = until.with_timezone(&zone).naive_local() + Duration::days(1);
        self.unrolled(from, to, most.saturating_add(4))
            .into_iter()
            .map(|local| Occurrence { local, at: local_instant(local.date(), local.time(), zone) })
            .filter(|occurrence| occurrence.at > after && occurrence.at <= until)
            .take(usize::from(most))
            .collect()
    }

    fn unrolled(&self, from: NaiveDateTime, to: NaiveDateTime, most: u16) -> Vec<NaiveDateTime> {
        let bound = |local: NaiveDateTime| rrule::Tz::UTC.from_utc_datetime(&local);
        let found = self.days.clone().after(bound(from)).before(bound(to)).all(most);
        found.dates.into_iter().map(|date| date.naive_utc()).collect()
    }

    /// The rule as a person says it, such as `every 2 weeks on Monday, Thursday at 10:00`.
    #[must_use]
    pub fn says(&self) -> String {
        let value = |wanted: &str| parts(&self.rule).find(|(name, _)| *name == wanted).map(|(_, value)| value);
        let (one, many) = match value("FREQ") {
            Some("DAILY") => ("day", "days"),
            Some("WEEKLY") => ("week", "weeks"),
            Some("MONTHLY") => ("month", "months"),
            _ => ("year", "years"),
        };
        let every = match value("INTERVAL") {
            None | Some("1") => format!("every {one}"),
            Some(interval) => format!("every {interval} {many}"),
        };
        let days = value("BYDAY").map(|days| format!(" on {}", named(days))).unwrap_or_default();
        let month_days = value("BYMONTHDAY").map(|days| format!(" on day {days}")).unwrap_or_default();
        let times = value("COUNT").map(|count| format!(", {count} times")).unwrap_or_default();
        let last = value("UNTIL").and_then(|text| NaiveDate::parse_from_str(text.get(..8)?, "%Y%m%d").ok());
        let last = last.map(|day| format!(", until {}", day.format("%-d %B %Y"))).unwrap_or_default();
        format!("{every}{days}{month_days} at {}{times}{last}", self.at.format("%H:%M"))
    }
}

/// One spelling of a rule: upper case, no name in front, a last day with the last second of it.
fn normal(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_prefix("RRULE:").unwrap_or(&text).trim_end_matches(';');
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '=' | ';' | ',' | '-' | '+');
    if text.is_empty() || text.len() > LONGEST_RULE || !text.chars().all(plain) {
        return None;
    }
    let spelled: Vec<String> = text
        .split(';')
        .map(|part| match part.strip_prefix("UNTIL=") {
            Some(day) if day.len() == 8 => format!("UNTIL={day}T235959Z"),
            Some(time) if time.len() == 15 => format!("UNTIL={time}Z"),
            Some(_) | None => part.to_owned(),
        })
        .collect();
    let spelled = spelled.join(";");
    (spelled.len() <= LONGEST_RULE).then_some(spelled)
}

fn parts(rule: &str) -> impl Iterator<Item = (&str, &str)> {
    rule.split(';').filter_map(|part| part.split_once('='))
}

fn named(days: &str) -> String {
    let name = |day: &str| {
        let (nth, code) = day.split_at(day.len().saturating_sub(2));
        let day = match code {
            "MO" => "Monday",
            "TU" => "Tuesday",
            "WE" => "Wednesday",
            "TH" => "Thursday",
            "FR" => "Friday",
            "SA" => "Saturday",
            _ => "Sunday",
        };
        match nth.trim_start_matches('+') {
            "" => day.to_owned(),
            "1" => format!("the first {day}"),
            "2" => format!("the second {day}"),
            "3" => format!("the third {day}"),
            "4" => format!("the fourth {day}"),
            "-1" => format!("the last {day}"),
            other => format!("{day} {other}"),
        }
    };
    days.split(',').map(name).collect::<Vec<_>>().join(", ")
}
