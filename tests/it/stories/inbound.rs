//! Somebody rings us: stories from the telephone to the nurse, with the number proving nobody.

use crate::support::ward::Ward;
use careline::{
    domain::{people::PhoneNumber, private::Private},
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
        answered_by: None,
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

/// A stranger who types a number when they are asked for one.
fn typing(number: &str, extra: &str, keys: &[(&str, &str)]) -> String {
    let hears: String = keys
        .iter()
        .map(|(says, press)| format!("\n      - {{says: \"{says}\", press: \"{press}\", times: 1}}"))
        .collect();
    format!(
        "people:\n  - name: A stranger\n    number: \"{number}\"\n    picks_up: never\n    {extra}\n    hears:{hears}\n"
    )
}

async fn waiting(ward: &Ward) -> String {
    let maya = ward.sign_in("maya@riverside.example").await;
    maya.open("/callers").await.unwrap().text()
}

#[tokio::test]
async fn whoever_withholds_their_number_types_one_and_gets_the_same_promise() {
    let keys = [("please type your number", "911#"), ("That is no number", "2125550142#")];
    let ward = open(&typing("+12125550177", "withholds_number: true", &keys)).await;
    let sid = rings(&ward, "+12125550177");
    hears(&ward, &sid, "ring you back on 2 1 2 5 5 5 0 1 4 2 within half an hour").await;
    hears(&ward, &sid, "en media hora").await;
    let page = waiting(&ward).await;
    assert!(page.contains("+12125550142") && page.contains("They typed this number"), "{page}");
    assert!(!page.contains("+12125550177"), "the hidden number is hidden: {page}");
    ward.let_pass(31 * MINUTE).await;
    let letter = "exists (select 1 from job where body ->> 'notice' = 'caller_waits')";
    ward.until_database("a letter", letter).await;
}

#[tokio::test]
async fn after_three_entries_that_are_no_number_nobody_is_asked_again() {
    let keys = [("please type your number", "12#"), ("That is no number", "345#"), ("That is no number", "911#")];
    let ward = open(&typing("+12125550177", "withholds_number: true", &keys)).await;
    let sid = rings(&ward, "+12125550177");
    hears(&ward, &sid, "We have no number on which we can ring you back").await;
    let calls = ward.town.carrier().calls();
    let asked = calls[0].spoken.iter().filter(|said| said.contains("That is no number")).count();
    assert_eq!(asked, 2, "three tries in all: {:?}", calls[0].spoken);
    assert!(waiting(&ward).await.contains("Nobody waits"));
}

#[tokio::test]
async fn a_stranger_may_be_reached_at_another_number_and_our_own_is_none() {
    let keys = [("For another number", "2125550199#"), ("That is no number", "2125550143#")];
    let ward = open(&typing("+12125550177", "", &keys)).await;
    let sid = rings(&ward, "+12125550177");
    hears(&ward, &sid, "ring you back on 2 1 2 5 5 5 0 1 4 3 within half an hour").await;
    let page = waiting(&ward).await;
    assert!(page.contains("1 to ring back") && page.contains("+12125550143"), "{page}");
}

#[tokio::test]
async fn words_typed_twice_by_the_network_count_once() {
    let ward = open(&typing("+12125550177", "withholds_number: true", &[])).await;
    let sid = rings(&ward, "+12125550177");
    hears(&ward, &sid, "please type your number").await;
    let org = ward.organizations.first().unwrap().operator.org;
    let news = |key: &str, digits: &str| CarrierNews {
        sid: CarrierSid(sid.clone()),
        status: None,
        caller: None,
        digits: Some(Private::new(digits.to_owned())),
        dedupe_key: key.to_owned(),
        answered_by: None,
        conference: None,
    };
    for _ in 0..4 {
        answer_caller::answer(&ward.app(), org, &news("one", "12")).await.unwrap();
    }
    ward.until_database("one fault", "(select faults = 1 and not is_over from caller_line)").await;
    for _ in 0..2 {
        answer_caller::answer(&ward.app(), org, &news("two", "2125550142")).await.unwrap();
    }
    ward.until_database("one caller", "(select count(*) = 1 from caller where typed and rings = 1)").await;
}

/// Eleven at night on the Tuesday of the stories.
async fn at_night(ward: &Ward) {
    ward.let_pass(13 * 60 * MINUTE).await;
}

#[tokio::test]
async fn at_night_a_patient_is_told_so_and_the_nurse_on_duty_is_rung() {
    let ward = open(ROSA).await;
    at_night(&ward).await;
    let sid = rings(&ward, "+12125550101");
    hears(&ward, &sid, "The office is closed; somebody on call will be rung").await;
    ward.until_state(&call(&ward).await, "bridged").await;
}

#[tokio::test]
async fn a_patient_in_hospital_who_wants_no_calls_is_heard_when_they_ring_us() {
    let ward = open(ROSA).await;
    ward.withdraw_consents("be_called").await;
    ward.patient_status("Delgado", "admitted").await;
    rings(&ward, "+12125550101");
    ward.until_state(&call(&ward).await, "bridged").await;
}

#[tokio::test]
async fn at_night_the_house_may_have_a_person_ring_back_in_the_morning() {
    let ward = open(ROSA).await;
    let ada = ward.sign_in("ada@riverside.example").await;
    let page = ada.open("/settings/calling").await.unwrap();
    let form = page.forms().into_iter().find(|form| form.offers("after_hours", "ring_back")).unwrap();
    let form = form.with("after_hours", "ring_back").with("hours", "08:00-20:00");
    ada.send(&page, &form.with("most_rings_day", "6").with("most_rings_week", "20").with("emergency_number", "911"))
        .await
        .unwrap();
    at_night(&ward).await;
    let sid = rings(&ward, "+12125550101");
    hears(
        &ward,
        &sid,
        "dial 9 1 1. The office is closed. A person will ring you back on this number by 8:30 AM on Wednesday",
    )
    .await;
    hears(&ward, &sid, "antes de las 8:30 del miércoles").await;
    assert_eq!(ward.town.carrier().calls().len(), 1, "no nurse is rung");
    ward.until_database(
        "a promise for the morning",
        "exists (select 1 from caller where number = '+12125550101' and due_at = '2026-11-18T13:30:00Z')",
    )
    .await;
    // By day everything is as ever.
    ward.let_pass(11 * 60 * MINUTE).await;
    let sid = rings(&ward, "+12125550101");
    hears(&ward, &sid, "press 1 if you ring for yourself").await;
}

#[tokio::test]
async fn a_connected_number_brings_its_texts_too() {
    let ward = open(STRANGER).await;
    ward.town.carrier().make_text("+12125550101", RIVERSIDE, "Please ring me when you can").await;
    ward.until_database("the text", "exists (select 1 from text_message where direction = 'in')").await;
}
