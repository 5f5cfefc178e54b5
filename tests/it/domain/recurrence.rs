//! When a care plan falls due: the local time of day is kept, a skipped one moves to the first minute there is, in every
//! zone, and a rule that cannot be kept is refused with what to do about it.

use careline::domain::recurrence::{BadRecurrence, Occurrence, Recurrence};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

fn rule(text: &str, from: &str, at: &str) -> Recurrence {
    Recurrence::read(text, day(from), time(at)).unwrap()
}

fn dates(rule: &Recurrence, zone: Tz, after: &str, until: &str) -> Vec<String> {
    let (after, until): (DateTime<Utc>, DateTime<Utc>) = (after.parse().unwrap(), until.parse().unwrap());
    let found = rule.between(zone, after, until, 100);
    found.iter().map(|due| due.at.with_timezone(&zone).format("%a %F %R %Z").to_string()).collect()
}

#[test]
fn mondays_and_thursdays_at_ten_stay_at_ten_over_both_changes_of_the_clocks() {
    let plan = rule("FREQ=WEEKLY;BYDAY=MO,TH", "2026-10-29", "10:00");
    let zone = chrono_tz::America::New_York;
    assert_eq!(
        dates(&plan, zone, "2026-10-28T00:00:00Z", "2026-11-06T00:00:00Z"),
        ["Thu 2026-10-29 10:00 EDT", "Mon 2026-11-02 10:00 EST", "Thu 2026-11-05 10:00 EST"]
    );
    assert_eq!(
        dates(&plan, zone, "2027-03-11T00:00:00Z", "2027-03-16T00:00:00Z"),
        ["Thu 2027-03-11 10:00 EST", "Mon 2027-03-15 10:00 EDT"]
    );
}

#[test]
fn a_skipped_time_moves_to_the_first_minute_that_exists_and_a_repeated_one_is_the_later() {
    let zone = chrono_tz::America::New_York;
    let spring = rule("FREQ=DAILY", "2027-03-13", "02:30");
    assert_eq!(
        dates(&spring, zone, "2027-03-13T00:00:00Z", "2027-03-15T12:00:00Z"),
        ["Sat 2027-03-13 02:30 EST", "Sun 2027-03-14 03:00 EDT", "Mon 2027-03-15 02:30 EDT"]
    );
    let autumn = rule("FREQ=DAILY", "2026-10-31", "01:30");
    assert_eq!(
        dates(&autumn, zone, "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z"),
        ["Sun 2026-11-01 01:30 EST", "Mon 2026-11-02 01:30 EST"]
    );
}

/// What a plan of every day must give over a year: one date each day, at its time of day or the first minute after a gap.
fn faults(zone: Tz, found: &[Occurrence], at: NaiveTime) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, due) in found.iter().enumerate() {
        let local = due.at.with_timezone(&zone).naive_local();
        let exists = !matches!(zone.from_local_datetime(&due.local), chrono::LocalResult::None);
        if exists && local != due.local || !exists && (local <= due.local || local - due.local > Duration::hours(24)) {
            faults.push(format!("{zone}: {} became {local}", due.local));
        }
        if !exists {
            let minute_before = (due.at - Duration::minutes(1)).with_timezone(&zone).naive_local();
            if minute_before >= due.local {
                faults.push(format!("{zone}: {local} is not the first minute after the gap"));
            }
        }
        if due.local.time() != at || index > 0 && found[index - 1].local + Duration::days(1) != due.local {
            faults.push(format!("{zone}: {} does not follow the day before", due.local));
        }
    }
    faults
}

#[test]
fn in_every_zone_of_the_world_each_day_of_a_year_has_its_call_once() {
    let (after, until) = ("2026-01-01T12:00:00Z".parse().unwrap(), "2027-01-01T12:00:00Z".parse().unwrap());
    let mut found = Vec::new();
    for at in ["00:15", "02:30", "10:00"] {
        let plan = rule("FREQ=DAILY", "2025-12-01", at);
        for zone in TZ_VARIANTS {
            let due = plan.between(zone, after, until, 400);
            assert!((364..=366).contains(&due.len()), "{zone} at {at}: {} days", due.len());
            found.extend(faults(zone, &due, time(at)));
        }
    }
    assert_eq!(found, Vec::<String>::new());
    // The control: dates unrolled in fixed steps of a day, as instants, drift by an hour when the clocks change.
    let zone = chrono_tz::America::New_York;
    let first: DateTime<Utc> = "2026-03-01T15:00:00Z".parse().unwrap();
    let drifting: Vec<Occurrence> = (0..30)
        .map(|day| Occurrence {
            local: "2026-03-01T10:00:00".parse::<chrono::NaiveDateTime>().unwrap() + Duration::days(day),
            at: first + Duration::days(day),
        })
        .collect();
    assert!(!faults(zone, &drifting, time("10:00")).is_empty());
}

#[test]
fn the_bounds_take_each_occurrence_once_however_the_time_is_cut() {
    let plan = rule("FREQ=DAILY", "2026-10-20", "01:30");
    for zone in [chrono_tz::America::New_York, chrono_tz::Pacific::Apia, chrono_tz::Australia::Lord_Howe] {
        let (from, to): (DateTime<Utc>, DateTime<Utc>) =
            ("2026-10-20T00:00:00Z".parse().unwrap(), "2026-11-20T00:00:00Z".parse().unwrap());
        let whole = plan.between(zone, from, to, 100);
        let mut pieces = Vec::new();
        let mut at = from;
        while at < to {
            let next = (at + Duration::minutes(7 * 60 + 13)).min(to);
            pieces.extend(plan.between(zone, at, next, 100));
            at = next;
        }
        assert_eq!(pieces, whole, "{zone}");
    }
}

#[test]
fn rules_are_read_as_people_write_them_and_said_in_words() {
    let says = |text: &str| rule(text, "2026-11-23", "10:00").says();
    assert_eq!(says("rrule:freq=daily"), "every day at 10:00");
    assert_eq!(says("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH"), "every 2 weeks on Monday, Thursday at 10:00");
    assert_eq!(says("FREQ=MONTHLY;BYDAY=-1FR;COUNT=6"), "every month on the last Friday at 10:00, 6 times");
    assert_eq!(says("FREQ=DAILY;UNTIL=20261201"), "every day at 10:00, until 1 December 2026");
    let until = rule("FREQ=DAILY;UNTIL=20261125", "2026-11-23", "10:00");
    let zone = chrono_tz::America::Los_Angeles;
    assert_eq!(dates(&until, zone, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z").len(), 3, "the last day counts");
}

#[test]
fn a_rule_that_cannot_be_kept_is_refused_with_what_to_do() {
    let refused = |text: &str| Recurrence::read(text, day("2026-11-23"), time("10:00")).unwrap_err();
    let endless = format!("FREQ=DAILY;BYMONTHDAY={}", "1,".repeat(200));
    for text in ["", "twice a week", "FREQ=FORTNIGHTLY", "FREQ=DAILY\nDTSTART:20260101", &endless] {
        assert_eq!(refused(text), BadRecurrence::Unreadable, "{text}");
    }
    assert_eq!(refused("FREQ=HOURLY"), BadRecurrence::TooOften);
    assert_eq!(refused("FREQ=DAILY;BYHOUR=9,17"), BadRecurrence::NamesHours);
    assert_eq!(refused("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), BadRecurrence::Never);
    assert_eq!(refused("FREQ=DAILY;UNTIL=20200101"), BadRecurrence::Never, "over before it begins");
}
