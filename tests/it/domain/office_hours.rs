//! The office's door: open within its hours, closed outside them and on holidays, and never without a time to open.

use careline::domain::{
    contact_hours::ContactHours,
    office_hours::{AfterHours, Office, OfficeDoor},
};
use chrono::{DateTime, Duration, NaiveTime, Utc};
use proptest::prelude::*;

fn office(holidays: &[&str]) -> Office {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    Office {
        hours: ContactHours { from: time(8), until: time(20) },
        holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
        zone: chrono_tz::America::New_York,
        after_hours: AfterHours::RingBack,
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn the_door_follows_the_office_s_own_clock_and_calendar() {
    let house = office(&["2026-11-26"]);
    let closed_until = |text| OfficeDoor::ClosedUntil(at(text));
    assert_eq!(house.door(at("2026-11-17T13:00:00Z")), OfficeDoor::Open, "eight in New York");
    assert_eq!(house.door(at("2026-11-17T12:59:59Z")), closed_until("2026-11-17T13:00:00Z"));
    assert_eq!(house.door(at("2026-11-18T01:00:00Z")), closed_until("2026-11-18T13:00:00Z"), "eight in the evening");
    assert_eq!(house.door(at("2026-11-26T15:00:00Z")), closed_until("2026-11-27T13:00:00Z"), "a holiday");
    // The night on which the clocks go back is an hour longer.
    assert_eq!(house.door(at("2026-11-01T01:00:00Z")), closed_until("2026-11-01T13:00:00Z"));
}

proptest! {
    #[test]
    fn a_closed_door_opens_later_and_is_open_then(minutes in 0_i64..60 * 24 * 400) {
        let house = office(&["2026-11-26", "2026-12-25", "2027-01-01"]);
        let now = at("2026-10-01T00:00:00Z") + Duration::minutes(minutes);
        if let OfficeDoor::ClosedUntil(opens) = house.door(now) {
            prop_assert!(opens > now && opens - now <= Duration::hours(49));
            prop_assert_eq!(house.door(opens), OfficeDoor::Open);
        }
    }
}
