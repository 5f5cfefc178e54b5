//! May we ring, may we text? One set of rules, asked when a contact is planned and again at the instant of dialling, on
//! the patient's own clock. It keeps promise 3; whoever dials or sends asks `may_contact` and nothing else.

use super::{
    call::CallManner,
    hold_back::{HoldBack, Rule},
    people::PatientStatus,
};
use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// How many days ahead an opening is looked for: windows come back every week, and no holidays last longer.
const LOOK_AHEAD_DAYS: i64 = 31;

/// Days whose rings count towards the cap of the week, the present one included.
const WEEK_DAYS: i64 = 7;

/// Hours of a day in which a patient may be contacted, local time; `from` before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContactHours {
    /// The first minute.
    pub from: NaiveTime,
    /// The first minute after.
    pub until: NaiveTime,
}

impl ContactHours {
    /// The part of these hours that lies in others; `None` when they share no minute.
    #[must_use]
    pub fn within(self, outer: Self) -> Option<Self> {
        let (from, until) = (self.from.max(outer.from), self.until.min(outer.until));
        (from < until).then_some(Self { from, until })
    }

    fn has(self, time: NaiveTime) -> bool {
        time >= self.from && time < self.until
    }
}

/// Hours of one weekday in which a patient wants to be contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The day of the week.
    pub day: Weekday,
    /// The hours.
    pub hours: ContactHours,
}

/// By which way somebody is contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// By telephone.
    Voice,
    /// By text message.
    Text,
}

/// What is known of a person's leave to be contacted on one channel at their present number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// A consent is in force.
    Given,
    /// Nobody has asked, or only about another number.
    NeverAsked,
    /// It was refused, or withdrawn after it was given.
    Withdrawn,
    /// Whoever has the number said stop. It outranks every consent.
    OptedOut,
}

/// The organization's own rules.
#[derive(Clone, Debug)]
pub struct HouseRules {
    /// Calling hours, in the patient's zone: the outer bound of every patient's own.
    pub hours: ContactHours,
    /// Days on which nobody is contacted by plan, on the patient's calendar.
    pub holidays: BTreeSet<NaiveDate>,
    /// Rings of one number on one local day.
    pub most_rings_day: usize,
    /// Rings of one number on seven local days, the last one included.
    pub most_rings_week: usize,
}

/// Everything the rules need to know about a patient.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Where the patient stands.
    pub status: PatientStatus,
    /// Leave to ring the number.
    pub voice: Permission,
    /// Leave to text the number.
    pub text: Permission,
    /// Leave to be asked by an automatic voice.
    pub automated: Permission,
    /// Leave to be asked by automated texts.
    pub clinical_texts: Permission,
    /// Their zone.
    pub time_zone: Tz,
    /// Their own windows; empty is the organization's hours on every day.
    pub windows: Vec<Window>,
    /// When the number was rung in the last eight days, or may have been.
    pub rings: Vec<DateTime<Utc>>,
    /// The organization's rules.
    pub house: HouseRules,
}

/// Whether the patient may be contacted now.
///
/// # Errors
/// The first rule that holds it back, and until when.
pub fn may_contact(now: DateTime<Utc>, standing: &Standing, channel: Channel) -> Result<(), HoldBack> {
    if let Some(rule) = standing.forbidden(channel) {
        return Err(HoldBack { rule, until: None });
    }
    let Some(rule) = standing.closed(now, channel) else { return Ok(()) };
    let until = standing.next_opening(now, channel);
    Err(HoldBack { rule: if until.is_some() { rule } else { Rule::NeverOpen }, until })
}

/// Whether a call of this manner may begin now: as `may_contact`, and a machine asks only whoever has allowed it, by voice
/// and by text each.
///
/// # Errors
/// The first rule that holds it back, and until when.
pub fn may_call(now: DateTime<Utc>, standing: &Standing, manner: CallManner) -> Result<(), HoldBack> {
    let held = may_contact(now, standing, manner.channel());
    let (leave, rule) = match manner {
        CallManner::Nurse => return held,
        CallManner::Keypad => (standing.automated, Rule::NoAutomatedConsent),
        CallManner::ReplyText => (standing.clinical_texts, Rule::NoClinicalTexts),
    };
    match (leave, held) {
        // What no waiting brings back is said first.
        (_, Err(held)) if held.until.is_none() => Err(held),
        (Permission::NeverAsked | Permission::Withdrawn | Permission::OptedOut, _) => {
            Err(HoldBack { rule, until: None })
        }
        (Permission::Given, held) => held,
    }
}

impl Standing {
    /// The leave to contact them on a channel.
    #[must_use]
    pub const fn permission(&self, channel: Channel) -> Permission {
        match channel {
            Channel::Voice => self.voice,
            Channel::Text => self.text,
        }
    }

    /// What forbids it until a person decides otherwise.
    fn forbidden(&self, channel: Channel) -> Option<Rule> {
        match (self.status, self.permission(channel)) {
            (PatientStatus::Deceased, _) => Some(Rule::Deceased),
            (PatientStatus::Admitted, _) => Some(Rule::Admitted),
            (PatientStatus::Withdrawn | PatientStatus::Transferred, _) => Some(Rule::NotFollowed),
            (PatientStatus::Active, Permission::NeverAsked) => Some(Rule::NeverAsked),
            (PatientStatus::Active, Permission::Withdrawn) => Some(Rule::ConsentWithdrawn),
            (PatientStatus::Active, Permission::OptedOut) => Some(Rule::OptedOut),
            (PatientStatus::Active, Permission::Given) => None,
        }
    }

    /// What forbids it at an instant only.
    fn closed(&self, at: DateTime<Utc>, channel: Channel) -> Option<Rule> {
        let local = at.with_timezone(&self.time_zone);
        let day = local.date_naive();
        if self.house.holidays.contains(&day) {
            return Some(Rule::Holiday);
        }
        if !self.hours_on(day).any(|hours| hours.has(local.time())) {
            return Some(Rule::OutsideHours);
        }
        match channel {
            Channel::Voice => self.full(day),
            Channel::Text => None,
        }
    }

    /// The hours of a local day: the patient's own within the organization's.
    fn hours_on(&self, day: NaiveDate) -> impl Iterator<Item = ContactHours> {
        let whole = self.windows.is_empty().then_some(self.house.hours);
        let own = self.windows.iter().filter(move |window| window.day == day.weekday());
        whole.into_iter().chain(own.filter_map(|window| window.hours.within(self.house.hours)))
    }

    /// The cap that a further ring on a local day would break.
    fn full(&self, day: NaiveDate) -> Option<Rule> {
        let first = day - Duration::days(WEEK_DAYS - 1);
        let days = || self.rings.iter().map(|at| at.with_timezone(&self.time_zone).date_naive());
        if days().filter(|rung| *rung == day).count() >= self.house.most_rings_day {
            Some(Rule::DayFull)
        } else if days().filter(|rung| (first..=day).contains(rung)).count() >= self.house.most_rings_week {
            Some(Rule::WeekFull)
        } else {
            None
        }
    }

    /// The next instant after `now` at which the hours begin and nothing is closed; `None` when none comes.
    fn next_opening(&self, now: DateTime<Utc>, channel: Channel) -> Option<DateTime<Utc>> {
        let today = now.with_timezone(&self.time_zone).date_naive();
        (0..=LOOK_AHEAD_DAYS).find_map(|ahead| {
            let day = today + Duration::days(ahead);
            let opens = self.hours_on(day).map(|hours| local_instant(day, hours.from, self.time_zone));
            opens.filter(|at| *at > now && self.closed(*at, channel).is_none()).min()
        })
    }
}

/// The one instant of a local time of a day. A time that a clock change skips is the first minute that exists after it; one
/// that comes twice is the later, so nobody is rung early. So each day has each time once: none is skipped, none doubled.
#[must_use]
pub fn local_instant(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let mut local = day.and_time(time);
    // No zone has ever skipped more than one whole day.
    for _ in 0..=2 * 24 * 60 {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(instant) => return instant.with_timezone(&Utc),
            LocalResult::Ambiguous(_, later) => return later.with_timezone(&Utc),
            LocalResult::None => local += Duration::minutes(1),
        }
    }
    Utc.from_utc_datetime(&day.and_time(time))
}

/// Reads hours as a person writes them: `09:00-12:00, 14:00-18:00`. Nothing is no hours at all.
///
/// # Errors
/// Says what is wrong, for the field it was typed in.
pub fn read_hours(text: &str) -> Result<Vec<ContactHours>, String> {
    let mut read = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (from, until) = part
            .split_once(['-', '–'])
            .and_then(|(from, until)| Some((time(from)?, time(until)?)))
            .ok_or_else(|| "write hours such as 09:00-12:00, 14:00-18:00".to_owned())?;
        if from >= until {
            return Err("the hours must end after they begin, on the same day".to_owned());
        }
        read.push(ContactHours { from, until });
    }
    read.sort();
    let overlap = read.iter().zip(read.iter().skip(1)).any(|(one, next)| next.from < one.until);
    if overlap { Err("these hours overlap; write each minute once".to_owned()) } else { Ok(read) }
}

fn time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").ok()
}
