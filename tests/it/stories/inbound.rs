//! Somebody rings us: stories from the telephone to the nurse, with the number proving nobody.

use crate::support::ward::Ward;
use careline::{
    domain::people::PhoneNumber,
    flows::{
        answer_caller::{self, Answer},
        connect_numbers,
    },
    ports::phone::{CarrierNews, CarrierSid},
    simulator::{carrier::CallStatus, people::TownPlan},
};
use std::time::Duration;

/// Riverside's own number.
const RIVERSIDE: &str = "+12125550199";
const MINUTE: Duration = Duration::from_secs(60);

/// A ward whose numbers are connected, with these people in town.
async fn open(people: &str) -> Ward {
    let ward = Ward::open().await;
    for organization in &ward.organizations {
        connect_numbers::connect(&ward.app(), &organization.operator).await.unwrap();
    }
    ward.town.carrier().settle(TownPlan::read(people).unwrap());
    ward
}

fn rings(ward: &Ward, from: &str) -> String {
    ward.town.carrier().make_ring(from, RIVERSIDE).expect("the number is connected").sid
}

async fn hears(ward: &Ward, sid: &str, words: &str) {
    ward.until_carrier("words on the line", |calls| {
        calls.iter().find(|call| call.sid == sid)?.spoken.iter().any(|said| said.contains(words)).then_some(())
    })
    .await;
}

/// The address of the one call that came to us.
async fn call(ward: &Ward) -> String {
    ward.until_database("the call", "exists (select 1 from call where purpose = 'inbound')").await;
    let id: uuid::Uuid = sqlx::query_scalar("select id from call where purpose = 'inbound'")
        .fetch_one(&mut ward.superuser().await)
        .await
        .unwrap();
    format!("/calls/{id}")
}

async fn until_owed(ward: &Ward, reason: &str) {
    let owed = format!("exists (select 1 from follow_up where reason = '{reason}' and state = 'open')");
    ward.until_database("a follow-up", &owed).await;
}

const ROSA: &str = r#"
people:
  - name: Rosa Delgado
    number: "+12125550101"
    picks_up: never
    hears:
      - {says: "press 1 if you ring for yourself", press: "1"}
      - {says: "enter your date of birth", press: "04121948"}
      - {says: "four-digit call code", press: "4821"}
      - {says: "recorded", press: "1"}
    in_conference:
      - {after_seconds: 1, say: "I cannot get my breath tonight."}
"#;

#[tokio::test]
async fn a_patient_who_rings_proves_who_they_are_and_talks_with_a_nurse() {
    let ward = open(ROSA).await;
    let maya = ward.sign_in("maya@riverside.example").await;
    rings(&ward, "+12125550101");
    let call = call(&ward).await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "patient", "I cannot get my breath").await;
    let page = maya.open(&call).await.unwrap();
    assert!(page.text().contains("They rang us"), "{}", page.text());
    assert!(page.text().contains("Delgado"), "the brief is there");
    let calls = ward.town.carrier().calls();
    assert_eq!(calls.len(), 2, "the patient's ring and the nurse's");
    assert!(calls.iter().all(|call| call.errors.is_empty()), "{calls:#?}");
}

#[tokio::test]
async fn a_patients_number_alone_opens_nothing() {
    let stranger = ROSA.replace("04121948", "01011950");
    let ward = open(&stranger).await;
    let sid = rings(&ward, "+12125550101");
    hears(&ward, &sid, "We could not match the entries").await;
    let calls = ward.town.carrier().calls();
    let spoken = calls.iter().flat_map(|call| call.spoken.clone()).collect::<Vec<_>>().join(" ").to_lowercase();
    for secret in ["delgado", "rosa", "riverside", "hospice", "nurse"] {
        assert!(!spoken.contains(secret), "{secret} was said to whoever rang: {spoken}");
    }
    assert_eq!(calls.len(), 1, "no nurse was rung");
    until_owed(&ward, "identity_not_proven").await;
}

#[tokio::test]
async fn whoever_rings_and_is_gone_is_owed_a_person_and_never_rung_by_a_machine() {
    let gone = ROSA.replace("    hears:", "    hangs_up: {when_hears: \"Thank you for ringing\"}\n    hears:");
    let ward = open(&gone).await;
    rings(&ward, "+12125550101");
    ward.until_carrier("the line to close", |calls| {
        calls.first().filter(|call| call.status == CallStatus::Completed).map(drop)
    })
    .await;
    until_owed(&ward, "caller_gone").await;
    ward.let_pass(180 * MINUTE).await;
    ward.settle().await;
    assert_eq!(ward.town.carrier().calls().len(), 1, "nobody is rung by a machine");
}

#[tokio::test]
async fn with_no_nurse_on_duty_the_caller_hears_a_promise_and_somebody_owns_it() {
    let ward = open(ROSA).await;
    sqlx::query("update staff_member set on_duty = false").execute(&mut ward.superuser().await).await.unwrap();
    let sid = rings(&ward, "+12125550101");
    hears(&ward, &sid, "A nurse will ring you back").await;
    until_owed(&ward, "no_nurse_came").await;
}

const STRANGER: &str = r#"
people:
  - {name: A stranger, number: "+12125550177", picks_up: never}
"#;

#[tokio::test]
async fn a_number_that_tells_nobody_is_promised_a_call_within_half_an_hour_and_not_forgotten() {
    let ward = open(STRANGER).await;
    let first = rings(&ward, "+12125550177");
    hears(&ward, &first, "within half an hour").await;
    hears(&ward, &first, "en media hora").await;
    let again = rings(&ward, "+12125550177");
    hears(&ward, &again, "within half an hour").await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = maya.open("/callers").await.unwrap().text();
    assert!(page.contains("1 to ring back") && page.contains("+12125550177") && page.contains("2 times"), "{page}");
    ward.let_pass(31 * MINUTE).await;
    let letter = "exists (select 1 from job where body ->> 'notice' = 'caller_waits')";
    ward.until_database("a letter", letter).await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = maya.open("/callers").await.unwrap();
    assert!(page.text().contains("1 late"), "{}", page.text());
    let form = page.forms().into_iter().find(|form| form.action.starts_with("/callers/")).unwrap();
    let refused =
        maya.send(&page, &form.clone().with("outcome", " ")).await.map(drop).expect_err("nothing was written");
    assert!(refused.to_string().contains("Write who it was"), "{refused}");
    maya.send(&page, &form.with("outcome", "A neighbour of nobody here; wrong number.")).await.unwrap();
    assert!(maya.open("/callers").await.unwrap().text().contains("Nobody waits"));
}

#[tokio::test]
async fn a_ring_that_is_told_twice_is_one_call() {
    let ward = open(ROSA).await;
    let sid = rings(&ward, "+12125550101");
    ward.until_state(&call(&ward).await, "bridged").await;
    let news = CarrierNews {
        sid: CarrierSid(sid.clone()),
        status: None,
        caller: Some(PhoneNumber::from_e164("+12125550101").unwrap()),
        digits: None,
        dedupe_key: "again".to_owned(),
        machine: false,
        conference: None,
    };
    let org = ward.organizations.first().unwrap().operator.org;
    let again = answer_caller::answer(&ward.app(), org, &news).await.unwrap();
    let attempts: Vec<uuid::Uuid> = sqlx::query_scalar("select id from attempt where sid = $1")
        .bind(&sid)
        .fetch_all(&mut ward.superuser().await)
        .await
        .unwrap();
    assert!(matches!(again, Answer::Call(attempt) if attempts == [attempt.0]), "the same ring is the same leg");
}
