//! Who should talk with a patient, and when somebody works.

use careline::domain::{
    ids::StaffId,
    matching::{Candidate, Reason, Wanted, rank},
    people::Language,
    roster::{Difference, Exception, Hours, Presence, Roster, Shift},
};
use chrono::NaiveTime;
use proptest::prelude::*;
use uuid::Uuid;

fn nurse(number: u128) -> StaffId {
    StaffId(Uuid::from_u128(number))
}

fn candidate(number: u128, name: &str) -> Candidate {
    Candidate {
        id: nurse(number),
        name: name.to_owned(),
        serves_team: true,
        presence: Presence::AtWork,
        languages: Vec::new(),
        regions: Vec::new(),
        talks: 0,
        load: 0,
        covers: Vec::new(),
    }
}

fn wanted() -> Wanted {
    Wanted { wished: None, own: None, language: Language::Spanish, region: Some("US-NY".to_owned()) }
}

fn order(wanted: &Wanted, candidates: &[Candidate]) -> Vec<String> {
    rank(wanted, candidates).into_iter().map(|found| found.name).collect()
}

#[test]
fn a_licence_outweighs_a_wish_and_a_wish_outweighs_everything_else_in_the_team() {
    let elsewhere = Candidate { regions: vec!["US-NJ".to_owned()], ..candidate(1, "Ana") };
    let licensed = Candidate { regions: vec!["US-NY".to_owned()], ..candidate(2, "Ben") };
    let speaks = Candidate { languages: vec![Language::Spanish], talks: 9, ..candidate(3, "Cem") };
    let wish = Wanted { wished: Some(nurse(1)), own: Some(nurse(2)), ..wanted() };
    assert_eq!(order(&wish, &[elsewhere.clone(), licensed.clone(), speaks.clone()]), ["Ben", "Cem", "Ana"]);
    let wish = Wanted { wished: Some(nurse(2)), own: Some(nurse(3)), region: None, ..wanted() };
    assert_eq!(order(&wish, &[elsewhere, licensed, speaks]), ["Ben", "Cem", "Ana"]);
}

#[test]
fn whoever_covers_takes_the_place_of_whom_they_cover() {
    let away = Candidate { presence: Presence::Off, ..candidate(1, "Ana") };
    let covers = Candidate { covers: vec![nurse(1)], load: 9, ..candidate(2, "Ben") };
    let free = Candidate { languages: vec![Language::Spanish], ..candidate(3, "Cem") };
    let wish = Wanted { wished: Some(nurse(1)), ..wanted() };
    let ranked = rank(&wish, &[away, covers, free]);
    assert_eq!(ranked[0].name, "Ben");
    assert!(ranked[0].reasons.contains(&Reason::Covers));
    assert!(!ranked[2].is_fit() && ranked[2].name == "Ana", "{ranked:?}");
}

#[test]
fn language_continuity_and_load_decide_between_equals_and_names_between_the_same() {
    let busy = Candidate { load: 6, ..candidate(1, "Ana") };
    let knows = Candidate { talks: 2, load: 2, ..candidate(2, "Ben") };
    let free = candidate(3, "Cem");
    assert_eq!(order(&wanted(), &[busy.clone(), knows, free.clone()]), ["Ben", "Cem", "Ana"]);
    let english = Candidate { languages: vec![Language::English], ..free };
    let spanish = Candidate { languages: vec![Language::Spanish], load: 8, ..candidate(4, "Dot") };
    assert_eq!(order(&wanted(), &[english, busy, spanish]), ["Dot", "Ana", "Cem"]);
    assert_eq!(order(&wanted(), &[candidate(2, "Bo"), candidate(1, "Al")]), ["Al", "Bo"]);
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    (1_u128..9, 0_i64..12, 0_i64..12, 0..3_u8, 0..3_u8, 0..3_u8, any::<bool>()).prop_map(
        |(number, talks, load, presence, speaks, licensed, serves_team)| Candidate {
            serves_team,
            presence: [Presence::AtWork, Presence::Off, Presence::Unplanned][usize::from(presence)],
            languages: [vec![], vec![Language::English], vec![Language::Spanish]][usize::from(speaks)].clone(),
            regions: [vec![], vec!["US-NY".to_owned()], vec!["US-NJ".to_owned()]][usize::from(licensed)].clone(),
            talks,
            load,
            ..candidate(number, &format!("nurse {number}"))
        },
    )
}

proptest! {
    #[test]
    fn nobody_unfit_stands_before_somebody_fit_and_the_order_of_the_list_does_not_matter(
        mut candidates in proptest::collection::vec(any_candidate(), 1..8), wished in 1_u128..9, own in 1_u128..9,
    ) {
        let wish = Wanted { wished: Some(nurse(wished)), own: Some(nurse(own)), ..wanted() };
        let ranked = rank(&wish, &candidates);
        let first_unfit = ranked.iter().position(|found| !found.is_fit()).unwrap_or(ranked.len());
        prop_assert!(ranked[first_unfit..].iter().all(|found| !found.is_fit()), "{:?}", ranked);
        candidates.reverse();
        let again: Vec<i64> = rank(&wish, &candidates).iter().map(|found| found.points).collect();
        prop_assert_eq!(again, ranked.iter().map(|found| found.points).collect::<Vec<_>>());
    }
}

#[test]
fn a_roster_knows_weekly_hours_days_off_extra_days_and_who_has_none() {
    let zone = chrono_tz::America::New_York;
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let at = |text: &str| text.parse().unwrap();
    let shift = Shift {
        weekday: 1,
        hours: Hours { from: time(8), until: time(16) },
        starts_on: "2026-11-01".parse().unwrap(),
        ends_on: Some("2026-12-31".parse().unwrap()),
    };
    let exception = |day: &str, difference| Exception {
        day: day.parse().unwrap(),
        difference,
        hours: Hours { from: time(0), until: NaiveTime::from_hms_opt(23, 59, 59).unwrap() },
    };
    let roster = Roster {
        shifts: vec![shift],
        exceptions: vec![exception("2026-11-30", Difference::Off), exception("2026-11-28", Difference::Extra)],
    };
    for (instant, presence) in [
        ("2026-11-23T13:00:00Z", Presence::AtWork),
        ("2026-11-23T12:59:00Z", Presence::Off),
        ("2026-11-23T20:59:59Z", Presence::AtWork),
        ("2026-11-23T21:00:00Z", Presence::Off),
        ("2026-11-24T15:00:00Z", Presence::Off),
        ("2026-11-30T15:00:00Z", Presence::Off),
        ("2026-11-28T23:00:00Z", Presence::AtWork),
        ("2027-01-04T15:00:00Z", Presence::Off),
    ] {
        assert_eq!(roster.presence(at(instant), zone), presence, "{instant}");
    }
    assert_eq!(Roster::default().presence(at("2026-11-23T15:00:00Z"), zone), Presence::Unplanned);
}
