//! Staff come in, stay for a shift and leave; a stranger learns nothing from being refused.

use crate::support::office::{Office, PASSWORD, sign_in, whoami};
use careline::{
    domain::people::{Role, Who},
    error::Error,
    flows::sign_in::{Identity, sign_out},
};
use sqlx::Row;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

async fn deeds(office: &Office) -> Vec<String> {
    let mut superuser = office.database.superuser().await;
    sqlx::query("select deed from audit_entry where deed like 'sign%' order by id")
        .fetch_all(&mut superuser)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.get(0))
        .collect()
}

#[tokio::test]
async fn a_nurse_signs_in_is_recognized_and_signs_out() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let nurse = office.add(&operator, Role::Nurse).await;
    let cookie = sign_in(&office.app, "riverside", "Nurse@Example.org", PASSWORD).await.unwrap();
    let person: Identity = whoami(&office.app, &cookie).await.unwrap();
    assert_eq!(person.actor, nurse);
    assert_eq!((person.full_name.as_str(), person.org_code.as_str()), ("A nurse", "riverside"));
    sign_out(&office.app, &cookie).await.unwrap();
    assert!(matches!(whoami(&office.app, &cookie).await, Err(Error::SignedOut)), "the server forgot the session");
    assert_eq!(deeds(&office).await, ["signed_in", "signed_out"]);
}

#[tokio::test]
async fn whatever_was_wrong_a_stranger_reads_the_same_words_and_the_refusal_is_recorded() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Nurse).await;
    let mut texts = Vec::new();
    for (org, email, password) in [
        ("riverside", "nurse@example.org", "wrong horse battery"),
        ("riverside", "nobody@example.org", PASSWORD),
        ("elsewhere", "nurse@example.org", PASSWORD),
    ] {
        match sign_in(&office.app, org, email, password).await {
            Err(Error::Invalid(text)) => texts.push(text),
            other => panic!("{org} {email}: {other:?}"),
        }
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    assert_eq!(deeds(&office).await, ["sign_in_refused", "sign_in_refused"], "an unknown organization has no record");
    assert!(sign_in(&office.app, "riverside", "nurse@example.org", PASSWORD).await.is_ok(), "the control");
}

#[tokio::test]
async fn a_session_ends_after_an_idle_quarter_of_an_hour_and_after_a_shift() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Nurse).await;
    office.add(&operator, Role::Admin).await;
    let cookie = sign_in(&office.app, "riverside", "nurse@example.org", PASSWORD).await.unwrap();
    for _ in 0..71 {
        office.clock.advance(MINUTE * 10);
        assert!(whoami(&office.app, &cookie).await.is_ok(), "a used session ended before the shift did");
    }
    office.clock.advance(MINUTE * 10);
    assert!(matches!(whoami(&office.app, &cookie).await, Err(Error::SignedOut)), "twelve hours are a shift");

    let cookie = sign_in(&office.app, "riverside", "nurse@example.org", PASSWORD).await.unwrap();
    office.clock.advance(MINUTE * 14);
    assert!(whoami(&office.app, &cookie).await.is_ok(), "the control: fourteen minutes");
    office.clock.advance(MINUTE * 15);
    assert!(matches!(whoami(&office.app, &cookie).await, Err(Error::SignedOut)), "an idle quarter of an hour");

    let cookie = sign_in(&office.app, "riverside", "admin@example.org", PASSWORD).await.unwrap();
    for _ in 0..5 {
        office.clock.advance(MINUTE * 10);
        assert!(whoami(&office.app, &cookie).await.is_ok(), "the control: an admin's hour is not over");
    }
    office.clock.advance(MINUTE * 10);
    assert!(matches!(whoami(&office.app, &cookie).await, Err(Error::SignedOut)), "an admin's session lasts an hour");
}

#[tokio::test]
async fn a_closed_login_ends_its_sessions_at_once() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Nurse).await;
    let cookie = sign_in(&office.app, "riverside", "nurse@example.org", PASSWORD).await.unwrap();
    assert!(whoami(&office.app, &cookie).await.is_ok(), "the control");
    let mut superuser = office.database.superuser().await;
    sqlx::query("update staff_member set active = false").execute(&mut superuser).await.unwrap();
    assert!(matches!(whoami(&office.app, &cookie).await, Err(Error::SignedOut)));
    assert!(sign_in(&office.app, "riverside", "nurse@example.org", PASSWORD).await.is_err());
}

#[tokio::test]
async fn a_cookie_of_one_organization_opens_nothing_in_another_and_the_database_never_holds_it() {
    let office = Office::open().await;
    let riverside = office.found("riverside").await;
    let hillside = office.found("hillside").await;
    office.add(&riverside, Role::Nurse).await;
    let cookie = sign_in(&office.app, "riverside", "nurse@example.org", PASSWORD).await.unwrap();
    let token = cookie.split_once('.').unwrap().1;
    let forged = format!("{}.{token}", hillside.org);
    assert!(matches!(whoami(&office.app, &forged).await, Err(Error::SignedOut)));
    for garbage in ["", ".", "x.y", &cookie[..cookie.len() - 1], &format!("{cookie}0")] {
        assert!(matches!(whoami(&office.app, garbage).await, Err(Error::SignedOut)), "{garbage:?}");
    }
    let mut superuser = office.database.superuser().await;
    let rows: Vec<String> =
        sqlx::query_scalar("select s::text from session s").fetch_all(&mut superuser).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains(token) && !rows[0].contains(&hex::encode(token)), "only a hash is kept");
}

#[tokio::test]
async fn only_an_admin_and_the_operator_add_staff_and_every_fault_is_named() {
    use careline::flows::add_staff::{Duty, NewStaff, add};
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let admin = office.add(&operator, Role::Admin).await;
    let nurse = office.add(&operator, Role::Nurse).await;
    let new = |email: &str, name: &str, phone: &str, password: &str| NewStaff {
        email: email.into(),
        full_name: name.into(),
        role: Role::Nurse,
        password: password.to_owned().into(),
        phone: phone.into(),
        duty: Duty::Off,
        team: String::new(),
    };
    let good = || new("second@example.org", "Second", "212 555 0188", PASSWORD);
    assert!(matches!(nurse.who, Who::Staff { .. }));
    assert!(matches!(add(&office.app, &nurse, good()).await, Err(Error::Forbidden)));
    assert!(add(&office.app, &admin, good()).await.is_ok());
    assert!(matches!(add(&office.app, &admin, good()).await, Err(Error::Conflict(_))), "the address is taken");
    let Err(Error::Invalid(text)) = add(&office.app, &admin, new("at home", " ", "12", PASSWORD)).await else {
        panic!("three faults pass")
    };
    for field in ["e-mail", "full name", "telephone"] {
        assert!(text.contains(field), "{field} is not named in: {text}");
    }
    let Err(Error::Invalid(text)) = add(&office.app, &admin, new("third@example.org", "Third", "", "short")).await
    else {
        panic!("a short password passes")
    };
    assert!(text.contains("12 to 128"), "{text}");
}
