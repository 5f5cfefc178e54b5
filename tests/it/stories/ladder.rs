//! Guessing: a stranger is slowed down, learns nothing, and locks nobody out (P14).

use crate::support::{
    office::{Office, PASSWORD, sign_in},
    statements::{Cost, HASH, hashes},
    wiring,
};
use careline::{
    adapters::key_file::KeyFile,
    app::App,
    domain::{
        ladder::{Ladder, Try},
        password,
        people::Role,
        private::Private,
        session::Device,
    },
    error::Error,
    flows::sign_in::{self, Entered, Entry, FirstStep},
    passwords::Passwords,
    vault::Vault,
};
use chrono::{TimeDelta, TimeZone, Utc};
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};

const MINUTE: Duration = Duration::from_secs(60);
/// Guesses in an hour.
const GUESSES: u32 = 10_000;
/// How many of them come at once.
const AT_ONCE: u32 = 20;

async fn staffed() -> Office {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Nurse).await;
    office
}

async fn guess(app: &App, email: &str) -> Result<String, Error> {
    sign_in(app, "riverside", email, "not the password").await
}

/// Signs in as the nurse, from a browser that shows its cookie.
async fn enter(app: &App, known: Option<&str>) -> Result<Entered, Error> {
    let password = Private::new(PASSWORD.to_owned());
    let entry =
        Entry { organization: "riverside", email: "nurse@example.org", password, known, device: Device::Firefox };
    match sign_in::sign_in(app, &entry).await? {
        FirstStep::Entered(entered) => Ok(entered),
        FirstStep::Half(_) => panic!("she has a second factor"),
    }
}

async fn count(office: &Office, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(&mut office.database.superuser().await).await.unwrap()
}

const UNUSUAL: &str = "select count(*) from job where body ->> 'notice' = 'unusual_sign_in'";

#[tokio::test]
async fn of_ten_thousand_guesses_an_hour_sixty_at_most_are_compared_and_the_nurse_comes_in_all_the_while() {
    let office = staffed().await;
    // Another replica over the same database: the ladder is the database's, not a process's.
    let replica = wiring::app(&office.database, 2, office.clock.clone(), &wiring::NO_LINE).await;
    let browser = enter(&replica, None).await.unwrap().device;
    let cost = Cost::listen();
    let mut compared = 0;
    for group in 0..GUESSES / AT_ONCE {
        join_all((0..AT_ONCE).map(|_| guess(&office.app, "nurse@example.org"))).await;
        compared += hashes(&cost.take());
        if group == GUESSES / AT_ONCE / 2 {
            assert!(enter(&replica, None).await.is_err(), "the control: the address is locked to strangers");
            assert!(enter(&replica, Some(&browser)).await.is_ok(), "a browser of hers lets her in");
            cost.take();
        }
        office.clock.advance(MINUTE * 60 / GUESSES * AT_ONCE);
    }
    assert!((10..=60).contains(&compared), "{compared} guesses were compared");
    office.clock.advance(MINUTE * 15);
    assert!(enter(&replica, None).await.is_ok(), "no lock is for good");
}

#[test]
fn without_the_ladder_every_guess_is_compared() {
    let began = Utc.with_ymd_and_hms(2026, 11, 23, 15, 0, 0).unwrap();
    let mut ladder = Ladder::default();
    let (mut with, mut without) = (0, 0);
    for guess in 0..GUESSES {
        let now = began + TimeDelta::milliseconds(360) * i32::try_from(guess).unwrap();
        if let Try::Open(higher) = ladder.climb(now) {
            (ladder, with) = (higher, with + 1);
        }
        // The control: a ladder that forgets its locks.
        if let Try::Open(_) = (Ladder { locked_until: None, ..ladder }).climb(now) {
            without += 1;
        }
    }
    assert!(with <= 60, "{with}");
    assert_eq!(without, GUESSES);
}

#[tokio::test]
async fn a_ladder_that_is_taken_away_is_noticed() {
    let office = staffed().await;
    let mut superuser = office.database.superuser().await;
    let cost = Cost::listen();
    for _ in 0..12 {
        guess(&office.app, "nurse@example.org").await.unwrap_err();
    }
    assert_eq!(hashes(&cost.take()), 10, "the ladder locks after ten");
    for _ in 0..12 {
        sqlx::query("delete from sign_in_ladder").execute(&mut superuser).await.unwrap();
        guess(&office.app, "nurse@example.org").await.unwrap_err();
    }
    assert_eq!(hashes(&cost.take()), 12, "the control: without its rows every guess is compared");
}

#[tokio::test]
async fn sixty_four_guesses_at_once_over_four_replicas_are_counted_exactly() {
    let office = staffed().await;
    let mut replicas = Vec::new();
    for _ in 0..4 {
        replicas.push(wiring::app(&office.database, 4, office.clock.clone(), &wiring::NO_LINE).await);
    }
    let cost = Cost::listen();
    let guesses = replicas.iter().flat_map(|app| (0..16).map(move |_| guess(app, "nurse@example.org")));
    for refused in join_all(guesses).await {
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    assert_eq!(hashes(&cost.take()), 10, "ten were compared, though all came before any was refused");
    assert_eq!(count(&office, "select failures::bigint from sign_in_ladder").await, 10);
    let refused = "select count(*) from audit_entry where deed = 'sign_in_refused'";
    assert_eq!(count(&office, refused).await, 64, "each is in the record");
}

#[tokio::test]
async fn locks_grow_to_a_quarter_of_an_hour_and_a_success_ends_them() {
    let office = staffed().await;
    for _ in 0..10 {
        guess(&office.app, "nurse@example.org").await.unwrap_err();
    }
    assert!(enter(&office.app, None).await.is_err(), "a minute");
    office.clock.advance(MINUTE);
    assert!(enter(&office.app, None).await.is_ok(), "it is over");
    assert_eq!(count(&office, UNUSUAL).await, 1, "and a letter says what happened");
    for _ in 0..9 {
        guess(&office.app, "nurse@example.org").await.unwrap_err();
    }
    assert!(enter(&office.app, None).await.is_ok(), "the success before put her on the ground again");
    for _ in 0..20 {
        guess(&office.app, "nurse@example.org").await.unwrap_err();
        office.clock.advance(MINUTE * 5);
    }
    office.clock.advance(MINUTE * 9);
    assert!(enter(&office.app, None).await.is_err(), "the control: a quarter of an hour is not over");
    office.clock.advance(MINUTE);
    assert!(enter(&office.app, None).await.is_ok());
}

#[tokio::test]
async fn whoever_is_unknown_costs_exactly_what_a_known_person_costs() {
    let office = staffed().await;
    let cost = Cost::listen();
    let mut bills = Vec::new();
    for (org, email, password) in [
        ("riverside", "nurse@example.org", "not the password"),
        ("riverside", "nobody@example.org", PASSWORD),
        ("nowhere", "nurse@example.org", PASSWORD),
    ] {
        sign_in(&office.app, org, email, password).await.unwrap_err();
        bills.push(cost.take());
    }
    assert!(bills[0].len() > 5 && hashes(&bills[0]) == 1, "{:?}", bills[0]);
    assert_eq!(bills[0], bills[1], "an unknown address");
    // It has no record, so the last transaction is rolled back; the pace of a sign-in covers the rest.
    bills[2].push("COMMIT".to_owned());
    assert_eq!(bills[0], bills[2], "an unknown organization");
    for email in ["nurse@example.org", "nobody@example.org"] {
        for _ in 0..9 {
            guess(&office.app, email).await.unwrap_err();
        }
        cost.take();
        guess(&office.app, email).await.unwrap_err();
        bills.push(cost.take());
    }
    let mut uncompared = bills[0].clone();
    uncompared.retain(|step| step != HASH);
    assert_eq!(bills[3], uncompared, "a locked account does all but compare");
    assert_eq!(bills[3], bills[4], "an address nobody has locks as well");
    // The control: what succeeds costs otherwise, and these bills would show it.
    office.clock.advance(MINUTE);
    enter(&office.app, None).await.unwrap();
    assert_ne!(cost.take(), bills[0]);
}

#[tokio::test]
async fn a_password_from_before_the_pepper_opens_once_and_is_renewed() {
    let office = staffed().await;
    let mut superuser = office.database.superuser().await;
    let old = password::hash(&Private::new(PASSWORD.as_bytes().to_vec()), [7; 16]).unwrap();
    sqlx::query("update staff_member set password_hash = $1, password_key = null")
        .bind(&old)
        .execute(&mut superuser)
        .await
        .unwrap();
    assert!(guess(&office.app, "nurse@example.org").await.is_err());
    assert!(enter(&office.app, None).await.is_ok());
    let renewed = "select count(*) from staff_member where password_key is not null and password_hash like '$argon2id$v=19$m=65536,t=3,p=1$%'";
    assert_eq!(count(&office, renewed).await, 1);
    assert!(enter(&office.app, None).await.is_ok(), "and opens again");
    // The control: whoever copied the database but not the keys compares in vain.
    let thief = Passwords::over(Vault::over(Arc::new(KeyFile::read(KeyFile::fresh().reveal()).unwrap())));
    let mut other = wiring::app(&office.database, 2, office.clock.clone(), &wiring::NO_LINE).await;
    other.passwords = thief;
    assert!(enter(&other, None).await.is_err(), "the pepper is no part of the database");
}

#[tokio::test]
async fn a_sign_in_from_a_new_browser_is_told_to_its_person_and_one_from_a_known_browser_is_not() {
    let office = staffed().await;
    let first = enter(&office.app, None).await.unwrap();
    assert_eq!(count(&office, UNUSUAL).await, 0, "the first browser of all is no news");
    enter(&office.app, Some(&first.device)).await.unwrap();
    assert_eq!(count(&office, UNUSUAL).await, 0, "the control: the same browser");
    enter(&office.app, None).await.unwrap();
    assert_eq!(count(&office, UNUSUAL).await, 1, "another browser");
    office.clock.advance(MINUTE * 60 * 24 * 31);
    for _ in 0..10 {
        guess(&office.app, "nurse@example.org").await.unwrap_err();
    }
    assert!(enter(&office.app, Some(&first.device)).await.is_err(), "after thirty days a browser is a stranger");
}

#[test]
fn a_password_is_judged_by_its_length_and_by_how_soon_it_is_guessed() {
    let about = ["Maya Lindqvist", "maya@riverside.example", "Riverside hospice", "riverside"];
    let judge = |text: &str| password::assess(&Private::new(text.to_owned()), &about);
    for weak in
        ["passwordpassword", "123456789012", "riversidemaya", "lindqvist2026", "qwertyuiopasdf", "aaaaaaaaaaaaaa"]
    {
        assert_eq!(judge(weak), Err(password::BadPassword::Guessable), "{weak}");
    }
    for (text, length) in [("ab3$kf9&Qz1", 11), (&*"long words ".repeat(12), 132)] {
        assert_eq!((judge(text), text.len()), (Err(password::BadPassword::Length), length));
    }
    for strong in ["correct horse battery", "tulips under the window", "kein-Regen-am-Dienstag", "Ωμέγα και άλφα μαζί"]
    {
        assert_eq!(judge(strong), Ok(()), "{strong}");
    }
    let known = ["tulips under the window"];
    let judged = password::assess(&Private::new("tulips under the window".to_owned()), &known);
    assert_eq!(judged, Err(password::BadPassword::Guessable), "the control: what is known of a person counts");
}
