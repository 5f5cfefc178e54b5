//! Stories of calls whose nurse is rung first: the patient's telephone stays quiet until a nurse waits, and nothing that
//! happens meanwhile loses the patient's ring or doubles it.

use crate::support::ward::{Ward, call_of};
use careline::{
    domain::people::{Actor, Who},
    flows::pause_dialling,
    simulator::carrier::{CallSeen, CallStatus},
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const ROSA: &str = "+12125550101";
const NEVER_ANSWERS: &str = "+12125550103";
const MAYA: &str = "+12125550150";
const TOM: &str = "+12125550151";
const LENA: &str = "+12125550152";

fn rings(calls: &[CallSeen], number: &str) -> u32 {
    calls.iter().filter(|call| call.to == number).map(|call| call.rings).sum()
}

fn rung(ward: &Ward) -> Vec<String> {
    ward.town.carrier().calls().iter().map(|call| call.to.clone()).collect()
}

fn heard(calls: &[CallSeen], number: &str) -> String {
    calls.iter().filter(|call| call.to == number).flat_map(|call| call.spoken.clone()).collect::<Vec<_>>().join("\n")
}

fn operator(ward: &Ward) -> Actor {
    Actor { org: ward.organizations[0].operator.org, who: Who::Operator }
}

/// A ward whose admin chose that nurses are rung first; Lena, who passes every call on, is away.
async fn ward() -> Ward {
    let ward = Ward::open().await;
    ward.off_duty(&["lena@riverside.example"]).await;
    let ada = ward.sign_in("ada@riverside.example").await;
    let page = ada.open("/settings/calling").await.unwrap();
    let form = page.form("/settings/calling/first").unwrap_or_else(|| panic!("no such form on:\n{}", page.html));
    let page = ada.send(&page, &form.with("any", "nurse")).await.unwrap();
    let form = page.form("/settings/calling/first").unwrap();
    let chosen = form.fields.iter().find(|(name, _)| name == "any").map(|(_, value)| value.as_str());
    assert_eq!(chosen, Some("nurse"), "the page shows what was chosen");
    ward
}

/// Holds the call at the moment in which a nurse waits and the patient is not dialled yet.
async fn until_a_nurse_waits(ward: &Ward, call: &str) {
    ward.until_state(call, "asking_nurse").await;
    pause_dialling::pause(&ward.app(), &operator(ward)).await.unwrap();
    ward.until_state(call, "nurse_ready").await;
    ward.settle().await;
}

async fn go_on(ward: &Ward) {
    assert_eq!(pause_dialling::resume(&ward.app(), &operator(ward)).await.unwrap(), 1, "one call waits");
}

/// How many patients answered, waited and were told that nobody comes: the detector of the promise.
fn left_waiting(ward: &Ward) -> usize {
    ward.town
        .carrier()
        .calls()
        .iter()
        .filter(|call| call.spoken.iter().any(|words| words.contains("No nurse is free")))
        .count()
}

#[tokio::test]
async fn the_patient_meets_a_nurse_who_is_there_already() {
    let ward = ward().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "patient", "Six out of ten right now").await;
    ward.until_heard(&call, "nurse", "is there any chest pain").await;
    assert_eq!(rung(&ward), [MAYA, ROSA], "the nurse first, each once");
    let calls = ward.town.carrier().calls();
    assert!(calls.iter().all(|call| call.rings == 1 && call.errors.is_empty()), "{calls:#?}");
    let words = heard(&calls, MAYA);
    assert!(words.contains("wait while the patient is rung") && words.contains("The patient is being rung"), "{words}");
    for secret in ["Delgado", "Rosa", "dyspnea", "hospice"] {
        assert!(!words.contains(secret), "{secret} was said to whoever answered: {words}");
    }
}

#[tokio::test]
async fn while_no_nurse_comes_the_patient_is_never_rung_and_nurses_are_asked_again() {
    let ward = ward().await;
    ward.off_duty(&["maya@riverside.example", "tom@riverside.example"]).await;
    ward.change("update staff_member set on_duty = true where email = 'lena@riverside.example'").await;
    let clara = ward.sign_in("clara@riverside.example").await;
    let call = ward.ring_now(&clara, "Delgado").await;
    let id = call_of(&call);
    for round in 1..=5 {
        ward.until_carrier("Lena to pass", |calls| {
            let passed = calls.iter().filter(|call| call.to == LENA && call.status.is_over()).count();
            (passed == round).then_some(())
        })
        .await;
        let so = format!(
            "exists (select from call where id = '{id}' and nurse_rounds = {round} and state <> 'asking_nurse')"
        );
        ward.until_database("the round to be over", &so).await;
        if round == 1 {
            let clara = ward.sign_in("clara@riverside.example").await;
            let page = clara.open("/today").await.unwrap().text();
            assert!(page.contains("No nurse took it, so the patient was not rung"), "{page}");
        }
        if round < 5 {
            ward.until_state(&call, "scheduled").await;
            ward.let_pass(if round == 1 { 6 } else { 16 } * MINUTE).await;
        }
    }
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "never_rung").await;
    assert_eq!(rung(&ward), [LENA; 5], "nobody but the nurse was rung");
    assert_eq!(left_waiting(&ward), 0);
}

#[tokio::test]
async fn with_the_patient_first_the_same_evening_leaves_a_patient_waiting() {
    let ward = Ward::open().await;
    ward.off_duty(&["maya@riverside.example", "tom@riverside.example"]).await;
    let clara = ward.sign_in("clara@riverside.example").await;
    let call = ward.ring_now(&clara, "Delgado").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_carrier("the line to close", |calls| {
        calls.iter().any(|call| call.to == ROSA && call.status.is_over()).then_some(())
    })
    .await;
    assert_eq!(left_waiting(&ward), 1, "the detector sees a patient who was left waiting");
}

#[tokio::test]
async fn a_nurse_whose_patient_does_not_answer_hears_it_and_is_let_go() {
    let ward = ward().await;
    let tom = ward.sign_in("tom@riverside.example").await;
    let call = ward.ring_now_with(&tom, "Ferreira", "tom@riverside.example").await;
    ward.until_carrier("the patient's telephone", |calls| (rings(calls, NEVER_ANSWERS) == 1).then_some(())).await;
    ward.let_pass(MINUTE).await;
    ward.until_state(&call, "scheduled").await;
    ward.until_carrier("the nurse to be let go", |calls| {
        calls.iter().any(|call| call.to == TOM && call.status.is_over()).then_some(())
    })
    .await;
    ward.settle().await;
    let words = heard(&ward.town.carrier().calls(), TOM);
    assert!(words.contains("The patient was not reached"), "{words}");
    assert_eq!(rung(&ward), [TOM, NEVER_ANSWERS], "nobody else is rung for it now");
    ward.let_pass(16 * MINUTE).await;
    ward.until_carrier("the second ring", |calls| (rings(calls, NEVER_ANSWERS) == 2).then_some(())).await;
    assert_eq!(rung(&ward), [TOM, NEVER_ANSWERS, TOM, NEVER_ANSWERS], "a nurse is asked before each ring");
}

#[tokio::test]
async fn a_nurse_who_leaves_before_the_patient_is_dialled_costs_no_ring() {
    let ward = ward().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    until_a_nurse_waits(&ward, &call).await;
    assert!(ward.town.carrier().make_hang_up(MAYA).await);
    ward.until_carrier("the next nurse", |calls| (rings(calls, TOM) == 1).then_some(())).await;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 0);
    ward.until_state(&call, "nurse_ready").await;
    go_on(&ward).await;
    ward.until_state(&call, "bridged").await;
    ward.settle().await;
    assert_eq!(rung(&ward), [MAYA, TOM, ROSA], "one nurse after the other, the patient once");
}

#[tokio::test]
async fn a_nurse_who_leaves_while_the_patients_telephone_rings_is_replaced() {
    let ward = ward().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_carrier("the patient's telephone", |calls| (rings(calls, ROSA) == 1).then_some(())).await;
    assert!(ward.town.carrier().make_hang_up(MAYA).await);
    ward.until_state(&call, "bridged").await;
    ward.settle().await;
    assert_eq!(rung(&ward), [MAYA, ROSA, TOM], "the ring went on, and another nurse came");
    assert_eq!(left_waiting(&ward), 0);
}

#[tokio::test]
async fn when_careline_dies_while_a_nurse_waits_the_patient_is_rung_once() {
    let mut ward = ward().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    until_a_nurse_waits(&ward, &call).await;
    ward.kill_server();
    assert_eq!(rung(&ward), [MAYA]);
    ward.start_server().await;
    go_on(&ward).await;
    ward.until_state(&call, "bridged").await;
    ward.settle().await;
    ward.let_pass(2 * MINUTE).await;
    assert_eq!(rung(&ward), [MAYA, ROSA], "the ring is neither lost nor doubled");
}

#[tokio::test]
async fn a_dial_that_never_happened_is_repeated_for_the_nurse_who_waits() {
    let ward = ward().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    until_a_nurse_waits(&ward, &call).await;
    ward.misbehave(r#"{"create": "500_refused", "times": 1}"#).await;
    go_on(&ward).await;
    ward.until_attempt(&call, "unknown").await;
    for _ in 0..14 {
        ward.let_pass(Duration::from_secs(20)).await;
    }
    ward.until_state(&call, "bridged").await;
    assert_eq!(rung(&ward), [MAYA, ROSA], "proven absent, then dialled once; the nurse stayed on the line");
}

#[tokio::test]
async fn a_dial_whose_answer_is_lost_rings_once_for_the_nurse_who_waits() {
    let ward = ward().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    until_a_nurse_waits(&ward, &call).await;
    ward.misbehave(r#"{"create": "drop_accepted", "times": 1}"#).await;
    go_on(&ward).await;
    ward.until_state(&call, "bridged").await;
    ward.settle().await;
    assert_eq!(rung(&ward), [MAYA, ROSA]);
}

#[tokio::test]
async fn a_patient_who_may_no_longer_be_rung_is_not_rung_for_the_nurse_who_waits() {
    let ward = ward().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    until_a_nurse_waits(&ward, &call).await;
    ward.patient_status("Delgado", "deceased").await;
    go_on(&ward).await;
    ward.until_state(&call, "cancelled").await;
    ward.until_carrier("the nurse to be let go", |calls| calls.iter().all(|call| call.status.is_over()).then_some(()))
        .await;
    ward.settle().await;
    assert_eq!(rung(&ward), [MAYA], "the rules are asked again at the instant of dialling");
}

#[tokio::test]
async fn callbacks_that_come_twice_make_one_conversation() {
    let ward = ward().await;
    ward.misbehave(r#"{"callbacks": "twice"}"#).await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_state(&call, "bridged").await;
    ward.settle().await;
    let id = call_of(&call);
    ward.until_database(
        "one bridge and two attempts in the record",
        &format!(
            "(select count(*) = 1 from audit_entry where deed = 'bridged_call' and subject = '{id}')
             and (select count(*) = 2 from attempt where call_id = '{id}')"
        ),
    )
    .await;
    assert!(ward.town.carrier().calls().iter().all(|call| call.status == CallStatus::InProgress));
}
