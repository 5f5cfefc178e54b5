//! Nobody is contacted who must not be, and nobody outside their own hours: in any zone, on any day of a clock change.

use careline::domain::{
    contact_hours::{
        Channel, ContactHours, HouseRules, Permission, Standing, Window, local_instant, may_contact, read_hours,
    },
    hold_back::Rule,
    people::PatientStatus,
};
use chrono::{DateTime, Datelike, Days, Duration, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::{OffsetComponents, TZ_VARIANTS, Tz};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn at(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
}

fn hours() -> ContactHours {
    ContactHours { from: at(8, 0), until: at(20, 0) }
}

fn standing(zone: Tz) -> Standing {
    Standing {
        status: PatientStatus::Active,
        voice: Permission::Given,
        text: Permission::Given,
        automated: Permission::Given,
        clinical_texts: Permission::Given,
        time_zone: zone,
        windows: Vec::new(),
        rings: Vec::new(),
        house: HouseRules { hours: hours(), holidays: BTreeSet::new(), most_rings_day: 3, most_rings_week: 7 },
    }
}

/// The rule that holds a call back, and until when.
fn held(now: DateTime<Utc>, standing: &Standing) -> Option<(Rule, Option<DateTime<Utc>>)> {
    may_contact(now, standing, Channel::Voice).err().map(|held| (held.rule, held.until))
}

/// Noon of a Saturday in New York.
fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 17, 0, 0).unwrap()
}

const HOME: Tz = chrono_tz::America::New_York;

#[test]
fn the_dead_and_the_admitted_are_never_rung() {
    let forbidden = [
        (PatientStatus::Deceased, Rule::Deceased),
        (PatientStatus::Admitted, Rule::Admitted),
        (PatientStatus::Withdrawn, Rule::NotFollowed),
        (PatientStatus::Transferred, Rule::NotFollowed),
    ];
    for (status, rule) in forbidden {
        let standing = Standing { status, ..standing(HOME) };
        assert_eq!(held(noon(), &standing), Some((rule, None)));
        assert_eq!(may_contact(noon(), &standing, Channel::Text).unwrap_err().rule, rule);
    }
    assert_eq!(held(noon(), &standing(HOME)), None);
}

#[test]
fn each_channel_needs_its_own_leave_and_a_stop_outranks_it() {
    let rules = [
        (Permission::NeverAsked, Rule::NeverAsked),
        (Permission::Withdrawn, Rule::ConsentWithdrawn),
        (Permission::OptedOut, Rule::OptedOut),
    ];
    for (leave, rule) in rules {
        let no_calls = Standing { voice: leave, ..standing(HOME) };
        assert_eq!(held(noon(), &no_calls), Some((rule, None)));
        assert_eq!(may_contact(noon(), &no_calls, Channel::Text), Ok(()), "texts have a leave of their own");
        let no_texts = Standing { text: leave, ..standing(HOME) };
        assert_eq!(held(noon(), &no_texts), None);
        assert_eq!(may_contact(noon(), &no_texts, Channel::Text).unwrap_err().rule, rule);
    }
}

#[test]
fn a_holiday_holds_a_call_until_the_next_morning_on_the_patients_own_calendar() {
    let mut standing = standing(chrono_tz::Pacific::Auckland);
    let evening = Utc.with_ymd_and_hms(2026, 12, 24, 22, 0, 0).unwrap();
    assert_eq!(held(evening, &standing), None, "it is Christmas morning there, and no holiday yet");
    standing.house.holidays = [24, 25, 26].map(|day| NaiveDate::from_ymd_opt(2026, 12, day).unwrap()).into();
    let (rule, until) = held(evening, &standing).unwrap();
    assert_eq!(rule, Rule::Holiday);
    assert_eq!(until.unwrap().to_rfc3339(), "2026-12-26T19:00:00+00:00", "the 27th at 8 in Auckland");
}

#[test]
fn the_cap_of_a_day_ends_with_the_patients_day_and_that_of_a_week_slides() {
    let mut standing = standing(HOME);
    standing.rings = vec![noon() - Duration::hours(3), noon() - Duration::hours(2), noon() - Duration::hours(1)];
    let (rule, until) = held(noon(), &standing).unwrap();
    assert_eq!((rule, until.unwrap().to_rfc3339().as_str()), (Rule::DayFull, "2026-11-22T13:00:00+00:00"));
    assert_eq!(may_contact(noon(), &standing, Channel::Text), Ok(()), "a text rings nobody");
    standing.rings = (1..=7).map(|days| noon() - Duration::days(days)).collect();
    assert_eq!(held(noon(), &standing), None, "the first of them is out of the week");
    standing.rings.push(noon() - Duration::hours(1));
    let (rule, until) = held(noon(), &standing).unwrap();
    assert_eq!((rule, until.unwrap().to_rfc3339().as_str()), (Rule::WeekFull, "2026-11-22T13:00:00+00:00"));
}

#[test]
fn hours_that_share_no_minute_with_the_organizations_are_told_apart_from_those_that_come_back() {
    let night = ContactHours { from: at(21, 0), until: at(22, 0) };
    let standing = Standing { windows: vec![Window { day: Weekday::Mon, hours: night }], ..standing(HOME) };
    assert_eq!(held(noon(), &standing), Some((Rule::NeverOpen, None)));
}

#[test]
fn hours_are_read_as_people_write_them() {
    let two =
        vec![ContactHours { from: at(9, 0), until: at(12, 0) }, ContactHours { from: at(14, 0), until: at(18, 30) }];
    assert_eq!(read_hours("14:00 – 18:30, 9:00-12:00"), Ok(two));
    assert_eq!(read_hours("  "), Ok(Vec::new()));
    for wrong in ["nine to five", "12:00-9:00", "9:00-12:00, 11:00-13:00", "24:00-25:00", "9:00"] {
        assert!(read_hours(wrong).is_err(), "{wrong} was taken");
    }
}

#[test]
fn every_rule_says_who_can_act_and_its_code_is_its_own() {
    let codes: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
    assert_eq!(codes.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert_eq!(Rule::from_code(rule.code()), Some(rule));
        assert!(rule.remedy().ends_with('.') && !rule.words(Channel::Voice).ends_with('.'));
    }
}

prop_compose! {
    fn half_hours()(from in 0u32..47, length in 1u32..20) -> ContactHours {
        let until = (from + length).min(47);
        ContactHours { from: at(from / 2, from % 2 * 30), until: at(until / 2, until % 2 * 30) }
    }
}

prop_compose! {
    fn standings()(
        zone in proptest::sample::select(TZ_VARIANTS.to_vec()),
        house in half_hours(),
        windows in proptest::collection::vec((0u8..7, half_hours()), 0..5),
        holidays in proptest::collection::btree_set(0u64..20, 0..5),
        rings in proptest::collection::vec(0i64..12_000, 0..9),
        minutes in 0i64..5_256_000,
    ) -> (DateTime<Utc>, Standing) {
        let now = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap() + Duration::minutes(minutes);
        let mut standing = standing(zone);
        standing.house.hours = house;
        standing.house.holidays = holidays.iter().map(|days| now.date_naive() + Days::new(*days)).collect();
        standing.windows = windows.iter().map(|(day, hours)| Window { day: Weekday::try_from(*day).unwrap(), hours: *hours }).collect();
        standing.rings = rings.iter().map(|minutes| now - Duration::minutes(*minutes)).collect();
        (now, standing)
    }
}

/// The rules again, as a person would check them with a calendar and a clock on the wall.
fn is_allowed(now: DateTime<Utc>, standing: &Standing) -> bool {
    let wall = now.with_timezone(&standing.time_zone).naive_local();
    let house = wall.time() >= standing.house.hours.from && wall.time() < standing.house.hours.until;
    let own = standing.windows.is_empty()
        || standing.windows.iter().any(|window| {
            window.day == wall.weekday() && wall.time() >= window.hours.from && wall.time() < window.hours.until
        });
    let ago = |ring: &DateTime<Utc>| (wall.date() - ring.with_timezone(&standing.time_zone).date_naive()).num_days();
    let today = standing.rings.iter().filter(|ring| ago(ring) == 0).count();
    let week = standing.rings.iter().filter(|ring| (0..7).contains(&ago(ring))).count();
    house && own && !standing.house.holidays.contains(&wall.date()) && today < 3 && week < 7
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn the_patients_own_clock_decides((now, standing) in standings()) {
        let (zone, said) = (standing.time_zone, held(now, &standing));
        prop_assert_eq!(said.is_none(), is_allowed(now, &standing), "{} in {}", now, zone);
        match said {
            None => {}
            Some((rule, Some(until))) => {
                prop_assert!(rule != Rule::NeverOpen && until > now);
                prop_assert!(is_allowed(until, &standing), "{} opens outside the hours in {}", until, zone);
            }
            Some((rule, None)) => {
                prop_assert_eq!(rule, Rule::NeverOpen);
                let month = (0..31 * 96).map(|quarters| now + Duration::minutes(15 * quarters));
                prop_assert!(!month.into_iter().any(|at| is_allowed(at, &standing)), "an opening was overlooked in {}", zone);
            }
        }
    }

    #[test]
    fn a_patient_who_moves_is_rung_by_the_clock_of_where_they_are((now, before) in standings(), there in proptest::sample::select(TZ_VARIANTS.to_vec())) {
        let moved = Standing { time_zone: there, ..before };
        prop_assert_eq!(held(now, &moved).is_none(), is_allowed(now, &moved));
    }
}

/// One change of a zone's clocks: the instant, and the offsets before and after in seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Change {
    at: DateTime<Utc>,
    before: i64,
    after: i64,
}

fn offset(zone: Tz, at: DateTime<Utc>) -> i64 {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    (offset.base_utc_offset() + offset.dst_offset()).num_seconds()
}

/// Every change of every zone from 2024 to 2033, each found to the second.
fn changes() -> BTreeMap<Change, Vec<Tz>> {
    let first = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap();
    let last = Utc.with_ymd_and_hms(2034, 1, 1, 0, 0, 0).unwrap();
    let mut found: BTreeMap<Change, Vec<Tz>> = BTreeMap::new();
    for zone in TZ_VARIANTS {
        let (mut from, mut before) = (first, offset(zone, first));
        while from < last {
            let until = from + Duration::days(3);
            let after = offset(zone, until);
            if after != before {
                let (mut low, mut high) = (from, until);
                while high - low > Duration::seconds(1) {
                    let middle = low + (high - low) / 2;
                    let middle = middle.duration_round_down();
                    if offset(zone, middle) == before { low = middle } else { high = middle }
                }
                found.entry(Change { at: high, before, after }).or_default().push(zone);
            }
            (from, before) = (until, after);
        }
    }
    found
}

/// To the whole second, as clocks change.
trait WholeSeconds {
    fn duration_round_down(self) -> Self;
}

impl WholeSeconds for DateTime<Utc> {
    fn duration_round_down(self) -> Self {
        DateTime::from_timestamp(self.timestamp(), 0).unwrap()
    }
}

/// How a daily call at a local time is given its instants.
type Plan = fn(NaiveDate, NaiveTime, Tz) -> DateTime<Utc>;

/// What is wrong with a plan around one change: on each of three days each minute within an hour of the change comes
/// exactly once, on its own day, at its own time, or at the change itself where the clocks skip it.
fn faults(plan: Plan, zone: Tz, change: Change) -> Vec<String> {
    let mut faults = Vec::new();
    let wall = (change.at + Duration::seconds(change.before)).naive_utc();
    for minutes in -60..=60 {
        let time = (wall + Duration::minutes(minutes)).time();
        let mut last = None;
        for days in -1..=1 {
            let day = (wall + Duration::minutes(minutes) + Duration::days(days)).date();
            let instant = plan(day, time, zone);
            let there = instant.with_timezone(&zone).naive_local();
            let skipped = matches!(zone.from_local_datetime(&day.and_time(time)), LocalResult::None);
            let is_right = if skipped { instant == change.at } else { there == day.and_time(time) };
            if !is_right {
                faults.push(format!("{zone} {day} {time}: rings at {there}"));
            }
            if last.is_some_and(|last| last >= instant) {
                faults.push(format!("{zone} {day} {time}: not after the day before"));
            }
            last = Some(instant);
        }
    }
    faults
}

/// Planning by the offset of the day before: what P7 must notice.
fn naive(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let eve = local_instant(day.pred_opt().unwrap(), time, zone);
    eve + Duration::days(1)
}

/// The window of a patient whose hours begin and end within the hour of the change, so that each minute matters.
fn sharp(zone: Tz, change: Change) -> Standing {
    let wall = (change.at + Duration::seconds(change.before)).naive_utc().time();
    let (from, late) = wall.overflowing_sub_signed(Duration::minutes(17));
    let (until, later) = wall.overflowing_add_signed(Duration::minutes(26));
    let hours = if late == 0 && later == 0 {
        ContactHours { from, until }
    } else {
        ContactHours { from: at(0, 5), until: at(0, 50) }
    };
    let mut standing = standing(zone);
    standing.house.hours = hours;
    standing
}

#[test]
fn around_every_change_of_every_clock_nobody_is_rung_outside_the_window_and_no_day_is_skipped_or_doubled() {
    let changes = changes();
    let every: usize = changes.values().map(Vec::len).sum();
    assert!(every > 3_500, "only {every} changes were found");
    assert!(changes.keys().any(|change| (change.after - change.before).abs() == 1_800), "Lord Howe is there");
    assert!(changes.keys().any(|change| (change.after - change.before).abs() == 7_200), "Troll is there");
    let mut naive_faults = 0;
    // Zones that change at one instant between the same offsets have one clock: the first of them stands for all.
    for (change, zones) in &changes {
        let zone = zones[0];
        assert_eq!(faults(local_instant, zone, *change), Vec::<String>::new());
        naive_faults += usize::from(!faults(naive, zone, *change).is_empty());
        let (sharp, plain) = (sharp(zone, *change), standing(zone));
        for minute in -60..=60 {
            let now = change.at + Duration::minutes(minute);
            for standing in [&sharp, &plain] {
                let said = held(now, standing);
                assert_eq!(said.is_none(), is_allowed(now, standing), "{zone} {now}");
                if let Some((_, until)) = said {
                    let until = until.expect("the hours come back");
                    assert!(until > now && until - now < Duration::hours(51), "{zone} {now}: skipped until {until}");
                    assert!(is_allowed(until, standing), "{zone} {now}: rung outside the window at {until}");
                }
            }
        }
    }
    assert_eq!(naive_faults, changes.len(), "the control: naive arithmetic is noticed at every change");
}

#[test]
fn zones_that_change_together_have_one_clock() {
    // What the test above rests on when it takes one zone for all: same local time before and after.
    for (change, zones) in changes() {
        for zone in zones {
            let (before, after) =
                (offset(zone, change.at - Duration::hours(25)), offset(zone, change.at + Duration::hours(51)));
            assert!(before == change.before && after == change.after, "{zone} {change:?}");
        }
    }
}
