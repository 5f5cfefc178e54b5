//! What happens in the month and when, drawn from the seed before it begins: people die, are admitted, move away, change
//! their minds, ring, write; nurses are away; the carrier has a bad hour.

use super::cast::Patient;
use crate::domain::{contact_hours::local_instant, people::PatientStatus};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use rand::{RngExt, rngs::StdRng};

/// The clock of the organization.
pub const HOME: Tz = Tz::America__New_York;

/// Something that happens. Patients and nurses are named by their place in the cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Everybody's mood changes.
    Moods,
    /// Somebody writes down where a patient stands.
    Status(usize, PatientStatus),
    /// A patient withdraws consent.
    Withdraws(usize),
    /// A patient gives it again.
    Consents(usize),
    /// A patient tells a nurse to stop calling.
    OptsOut(usize),
    /// A patient wants calls again.
    GoesOn(usize),
    /// A patient writes a text.
    Writes(usize, &'static str),
    /// A nurse rings a patient at once.
    RingNow(usize),
    /// A nurse plans a call in so many minutes.
    Promise(usize, i64),
    /// A nurse gives a patient's next call another time, so many minutes later.
    Moves(usize, i64),
    /// A patient rings.
    Rings(usize),
    /// Somebody nobody knows rings.
    StrangerRings(usize),
    /// Whoever waits to be rung back is.
    RingBack,
    /// The follow-up list is worked.
    FollowUps,
    /// Assessments of calls that took place are signed.
    Sign,
    /// A nurse is away for so many days, covered by a colleague when there is one.
    Away(usize, i64, Option<usize>),
    /// The carrier answers nobody.
    OutageBegins,
    /// The carrier answers again.
    OutageEnds,
}

/// The days of a month.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The first.
    pub first: NaiveDate,
    /// How many.
    pub days: i64,
}

impl Span {
    /// So many days around the night in which the clocks go back (1 November 2026).
    #[must_use]
    pub fn around_the_change(days: i64) -> Self {
        let change = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap_or_default();
        Self { first: change - Duration::days((days / 2).min(13)), days }
    }

    /// When everything is set up: before anybody may be rung.
    #[must_use]
    pub fn begins(&self) -> DateTime<Utc> {
        at(self.first, 5, 0)
    }

    /// When nothing more falls due: the night after the last day.
    #[must_use]
    pub fn ends(&self) -> DateTime<Utc> {
        at(self.first + Duration::days(self.days), 4, 0)
    }

    /// Each day.
    pub fn each(&self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take(usize::try_from(self.days).unwrap_or(0))
    }

    /// A holiday of the month: Veterans Day when it is long enough, else the last day but one of a month of at least five.
    #[must_use]
    pub fn holiday(&self) -> Option<NaiveDate> {
        let veterans = NaiveDate::from_ymd_opt(2026, 11, 11).filter(|day| self.each().any(|own| own == *day));
        veterans.or_else(|| (self.days >= 5).then(|| self.first + Duration::days(self.days - 2)))
    }

    fn moment(&self, dice: &mut StdRng) -> DateTime<Utc> {
        let day = self.first + Duration::days(dice.random_range(0..self.days.max(1)));
        at(day, 8, 0) + Duration::seconds(dice.random_range(0..14 * 3_600))
    }
}

fn at(day: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    local_instant(day, NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default(), HOME)
}

/// The whole diary, in order.
#[must_use]
pub fn of(dice: &mut StdRng, span: Span, patients: &[Patient], nurses: usize) -> Vec<(DateTime<Utc>, Event)> {
    let mut diary = Vec::new();
    for day in span.each() {
        routine(&mut diary, day);
        visits(dice, &mut diary, day, patients.len());
    }
    for (who, patient) in patients.iter().enumerate() {
        fate(dice, &mut diary, span, who, patient);
    }
    absences(dice, &mut diary, span, nurses);
    let bad_day = span.first + Duration::days(span.days / 3);
    diary.push((at(bad_day, 14, 10), Event::OutageBegins));
    diary.push((at(bad_day, 15, 10), Event::OutageEnds));
    diary.retain(|(when, _)| *when > span.begins() && *when < span.ends());
    diary.sort_by_key(|(when, _)| *when);
    diary
}

/// What every day has.
fn routine(diary: &mut Vec<(DateTime<Utc>, Event)>, day: NaiveDate) {
    for hour in 8..23 {
        diary.push((at(day, hour, 50), Event::Moods));
    }
    for hour in [10, 12, 14, 16, 18, 20, 22] {
        diary.push((at(day, hour, 20), Event::FollowUps));
        diary.push((at(day, hour, 25), Event::Sign));
    }
    for hour in 8..23 {
        diary.push((at(day, hour, 15), Event::RingBack));
        diary.push((at(day, hour, 40), Event::RingBack));
    }
}

/// What people happen to do on a day, about one in fifty of them.
fn visits(dice: &mut StdRng, diary: &mut Vec<(DateTime<Utc>, Event)>, day: NaiveDate, patients: usize) {
    let few = (patients / 100).max(1);
    let someone = |dice: &mut StdRng| dice.random_range(0..patients.max(1));
    let sometime = |dice: &mut StdRng| at(day, 9, 0) + Duration::seconds(dice.random_range(0..11 * 3_600));
    for _ in 0..few {
        let who = someone(dice);
        diary.push((sometime(dice), Event::RingNow(who)));
        let who = someone(dice);
        diary.push((sometime(dice), Event::Promise(who, dice.random_range(20..400))));
        let who = someone(dice);
        diary.push((sometime(dice), Event::Moves(who, dice.random_range(10..180))));
        let who = someone(dice);
        diary.push((sometime(dice), Event::Rings(who)));
    }
    for _ in 0..few.div_ceil(3) {
        diary.push((sometime(dice), Event::StrangerRings(dice.random_range(0..20))));
    }
}

/// What becomes of one patient, for one in six.
fn fate(dice: &mut StdRng, diary: &mut Vec<(DateTime<Utc>, Event)>, span: Span, who: usize, patient: &Patient) {
    let mut when = span.moment(dice);
    // Half of what happens comes a moment before a call falls due: that is when it matters.
    if dice.random_bool(0.5)
        && let Some(day) = span.each().filter(|day| patient.beat.falls_on(*day)).nth(dice.random_range(0..3))
    {
        when = local_instant(day, patient.at, patient.zone) - Duration::milliseconds(dice.random_range(0..20_000));
    }
    let later = when + Duration::seconds(dice.random_range(3_600..6 * 86_400));
    match dice.random_range(0..100) {
        0..3 => diary.push((when, Event::Status(who, PatientStatus::Deceased))),
        3..6 => {
            diary.push((when, Event::Status(who, PatientStatus::Admitted)));
            diary.push((later, Event::Status(who, PatientStatus::Active)));
        }
        6 => diary.push((when, Event::Status(who, PatientStatus::Withdrawn))),
        7 => diary.push((when, Event::Status(who, PatientStatus::Transferred))),
        8 => diary.push((when, Event::Withdraws(who))),
        9..11 => {
            diary.push((when, Event::Withdraws(who)));
            diary.push((later, Event::Consents(who)));
        }
        11 => diary.push((when, Event::OptsOut(who))),
        12 => {
            diary.push((when, Event::OptsOut(who)));
            diary.push((later, Event::GoesOn(who)));
        }
        13..15 => diary.push((when, Event::Writes(who, "STOP"))),
        15 => {
            diary.push((when, Event::Writes(who, "STOP")));
            diary.push((later, Event::Writes(who, "START")));
        }
        16..18 => diary.push((when, Event::Writes(who, "Could the nurse please ring me, I slept badly"))),
        _ => {}
    }
}

/// One nurse in four is away for some days; two of three are covered.
fn absences(dice: &mut StdRng, diary: &mut Vec<(DateTime<Utc>, Event)>, span: Span, nurses: usize) {
    for who in (0..nurses).step_by(4) {
        let when = at(span.first + Duration::days(dice.random_range(0..span.days.max(1))), 6, 30);
        let by = (dice.random_range(0..3) < 2).then_some((who + 1) % nurses.max(1));
        diary.push((when, Event::Away(who, dice.random_range(1..4), by.filter(|by| *by != who))));
    }
}
