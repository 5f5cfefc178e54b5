//! Nobody is rung outside their own hours, in any zone, on any day of a clock change.

use careline::domain::{
    contact_hours::{ContactHours, HoldBack, Standing, may_ring},
    people::PatientStatus,
};
use chrono::{DateTime, Duration, NaiveTime, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;

fn hours() -> ContactHours {
    ContactHours { from: NaiveTime::from_hms_opt(8, 0, 0).unwrap(), until: NaiveTime::from_hms_opt(20, 0, 0).unwrap() }
}

fn standing(zone: Tz) -> Standing {
    Standing { status: PatientStatus::Active, consents_to_calls: true, time_zone: zone }
}

#[test]
fn the_dead_and_the_admitted_are_never_rung() {
    let noon = Utc.with_ymd_and_hms(2026, 11, 21, 17, 0, 0).unwrap();
    for status in
        [PatientStatus::Deceased, PatientStatus::Admitted, PatientStatus::Withdrawn, PatientStatus::Transferred]
    {
        let held = may_ring(noon, &Standing { status, ..standing(chrono_tz::America::New_York) }, hours());
        assert_eq!(held, Err(HoldBack::NotActive(status)));
    }
    assert_eq!(may_ring(noon, &standing(chrono_tz::America::New_York), hours()), Ok(()));
}

#[test]
fn without_consent_nobody_is_rung() {
    let noon = Utc.with_ymd_and_hms(2026, 11, 21, 17, 0, 0).unwrap();
    let held = may_ring(noon, &Standing { consents_to_calls: false, ..standing(chrono_tz::UTC) }, hours());
    assert_eq!(held, Err(HoldBack::NoConsent));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn the_patients_own_clock_decides(zone in proptest::sample::select(TZ_VARIANTS.to_vec()), minutes in 0i64..5_256_000) {
        let now: DateTime<Utc> = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap() + Duration::minutes(minutes);
        let local = now.with_timezone(&zone).time();
        match may_ring(now, &standing(zone), hours()) {
            Ok(()) => prop_assert!(local >= hours().from && local < hours().until),
            Err(HoldBack::OutsideHours(opens)) => {
                prop_assert!(local < hours().from || local >= hours().until);
                prop_assert!(opens > now && opens - now <= Duration::hours(38), "opens {opens} for {now} in {zone}");
                prop_assert_eq!(may_ring(opens, &standing(zone), hours()), Ok(()), "opens outside the hours in {}", zone);
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}
