//! Stories of a call, at the outermost doors: a nurse's browser, the carrier's wire, the town's telephones.

use crate::support::ward::{Ward, call_of};
use careline::simulator::carrier::{CallSeen, CallStatus};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Every word the carrier spoke into a telephone of town.
fn spoken(calls: &[CallSeen], number: &str) -> String {
    calls.iter().filter(|call| call.to == number).flat_map(|call| call.spoken.clone()).collect::<Vec<_>>().join("\n")
}

fn over(calls: &[CallSeen], number: &str, times: usize) -> Option<()> {
    let ended = calls.iter().filter(|call| call.to == number && call.status.is_over()).count();
    (ended >= times).then_some(())
}

#[tokio::test]
async fn a_due_call_reaches_the_nurse_and_their_words_reach_the_record() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "patient", "Six out of ten right now").await;
    ward.until_heard(&call, "nurse", "is there any chest pain").await;
    let calls = ward.town.carrier().calls();
    assert_eq!(calls.len(), 2, "one ring for the patient, one for the nurse");
    assert!(calls.iter().all(|call| call.rings == 1 && call.status == CallStatus::InProgress));
    assert!(calls.iter().all(|call| call.errors.is_empty()), "{calls:#?}");
}

#[tokio::test]
async fn three_wrong_dates_of_birth_end_the_call_politely_and_reveal_nothing() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Lindqvist").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_carrier("the line to close", |calls| over(calls, "+12125550102", 1)).await;
    let words = spoken(&ward.town.carrier().calls(), "+12125550102");
    assert!(words.contains("Thank you for your time"), "{words}");
    for secret in ["Riverside", "Lindqvist", "Walter", "hospice", "nurse", "breath"] {
        assert!(!words.to_lowercase().contains(&secret.to_lowercase()), "{secret} was said: {words}");
    }
    assert_eq!(ward.town.carrier().calls().len(), 1, "no nurse is rung and nobody is rung again");
    ward.until_follow_up(&call, "identity_not_proven").await;
    let page = maya.open("/follow-ups").await.unwrap();
    assert!(page.text().contains("Lindqvist"), "{}", page.text());
}

#[tokio::test]
async fn a_patient_who_never_answers_is_rung_three_times_and_then_somebody_is_told() {
    let ward = Ward::open().await;
    let tom = ward.sign_in("tom@riverside.example").await;
    let call = ward.ring_now(&tom, "Ferreira").await;
    for ring in 1..=3 {
        ward.until_carrier("the telephone to ring", |calls| (calls.len() == ring).then_some(())).await;
        ward.let_pass(Duration::from_secs(2)).await;
        ward.until_carrier("a ring without an answer", |calls| {
            calls.last().filter(|call| call.status == CallStatus::Ringing).map(drop)
        })
        .await;
        ward.let_pass(MINUTE).await;
        ward.until_carrier("the carrier to give up", |calls| over(calls, "+12125550103", ring)).await;
        if ring < 3 {
            ward.until_state(&call, "scheduled").await;
            // The second attempt comes after a quarter of an hour, the third after two hours.
            ward.let_pass(if ring == 1 { 16 } else { 121 } * MINUTE).await;
        }
    }
    ward.until_state(&call, "missed").await;
    ward.until_follow_up(&call, "missed_call").await;
    ward.let_pass(180 * MINUTE).await;
    ward.settle().await;
    assert_eq!(ward.town.carrier().calls().len(), 3, "after the last attempt nobody is rung again");
}

#[tokio::test]
async fn a_busy_line_is_tried_again_by_policy() {
    let ward = Ward::open().await;
    let tom = ward.sign_in("tom@riverside.example").await;
    let call = ward.ring_now(&tom, "Bloom").await;
    ward.until_carrier("a busy line", |calls| over(calls, "+12125550104", 1)).await;
    ward.until_state(&call, "scheduled").await;
    ward.let_pass(14 * MINUTE).await;
    ward.settle().await;
    assert_eq!(ward.town.carrier().calls().len(), 1, "not before the pause is over");
    ward.let_pass(2 * MINUTE).await;
    ward.until_carrier("the second ring", |calls| over(calls, "+12125550104", 2)).await;
}

#[tokio::test]
async fn a_machine_that_answers_hears_nothing_about_anybody() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Whitaker").await;
    ward.until_carrier("the machine to answer", |calls| {
        calls.first().filter(|call| call.status == CallStatus::InProgress && !call.spoken.is_empty()).map(drop)
    })
    .await;
    for _ in 0..4 {
        ward.let_pass(Duration::from_secs(15)).await;
    }
    ward.until_carrier("the line to close", |calls| over(calls, "+12125550105", 1)).await;
    let words = spoken(&ward.town.carrier().calls(), "+12125550105").to_lowercase();
    for secret in ["riverside", "whitaker", "june", "hospice", "nurse"] {
        assert!(!words.contains(secret), "{secret} was said to a machine: {words}");
    }
    ward.until_state(&call, "scheduled").await;
}

#[tokio::test]
async fn a_caregiver_with_consent_proves_who_they_are_and_speaks_for_the_patient() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Adeyemi").await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "caregiver", "I am her son").await;
}

#[tokio::test]
async fn a_caregiver_without_consent_is_thanked_and_told_nothing() {
    let ward = Ward::open().await;
    ward.withdraw_consents("discuss_health").await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Adeyemi").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "caregiver_without_consent").await;
    ward.until_carrier("the line to close", |calls| over(calls, "+12125550106", 1)).await;
    let words = spoken(&ward.town.carrier().calls(), "+12125550106");
    assert!(!words.contains("Riverside"), "{words}");
}

#[tokio::test]
async fn a_nurse_passes_the_call_on_and_another_takes_over() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "lena@riverside.example").await;
    ward.until_state(&call, "bridged").await;
    let rung: Vec<String> = ward.town.carrier().calls().iter().map(|call| call.to.clone()).collect();
    assert_eq!(rung, ["+12125550101", "+12125550152", "+12125550150"], "Rosa, then Lena who passes, then Maya");
    ward.until_heard(&call, "nurse", "here is your nurse").await;
}

#[tokio::test]
async fn when_no_nurse_comes_the_patient_is_told_and_owed_a_call() {
    let ward = Ward::open().await;
    ward.off_duty(&["maya@riverside.example", "tom@riverside.example"]).await;
    let clara = ward.sign_in("clara@riverside.example").await;
    let call = ward.ring_now(&clara, "Delgado").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "no_nurse_came").await;
    ward.until_carrier("the patient to hear it", |calls| over(calls, "+12125550101", 1)).await;
    let words = spoken(&ward.town.carrier().calls(), "+12125550101");
    assert!(words.contains("A nurse will ring you back"), "{words}");
}

#[tokio::test]
async fn a_patient_who_declines_recording_talks_unheard_by_us() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Hale").await;
    ward.until_state(&call, "bridged").await;
    ward.until_said("Two out of ten, as always.").await;
    let calls = ward.town.carrier().calls();
    assert!(calls.iter().all(|call| call.streams.is_empty()), "no audio is forked without consent: {calls:#?}");
    let id = call_of(&call);
    ward.until_database("nothing to be kept", &format!("not exists (select from utterance where call_id = '{id}')"))
        .await;
}

#[tokio::test]
async fn the_script_speaks_spanish() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Ibáñez").await;
    ward.until_state(&call, "bridged").await;
    let words = spoken(&ward.town.carrier().calls(), "+12125550107");
    assert!(words.contains("fecha de nacimiento") && !words.contains("date of birth"), "{words}");
    ward.until_heard(&call, "patient", "Respiro mejor").await;
}

#[tokio::test]
async fn one_form_sent_twice_is_one_call_and_one_ring() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = maya.open(&format!("{}/calls/new", ward.chart("Delgado"))).await.unwrap();
    let form = page.form("/calls/new").unwrap().with("when", "now");
    let (one, other) = tokio::join!(maya.post(&page.at, &form.fields), maya.post(&page.at, &form.fields));
    assert_eq!(one.unwrap().at, other.unwrap().at, "both lead to the same call");
    ward.until_carrier("both telephones", |calls| (calls.len() == 2).then_some(())).await;
    ward.settle().await;
    assert_eq!(ward.town.carrier().calls().iter().filter(|call| call.to == "+12125550101").count(), 1);
}

#[tokio::test]
async fn a_call_is_not_planned_outside_the_patients_hours() {
    let ward = Ward::open_at("2026-11-17T04:00:00Z".parse().unwrap()).await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = maya.open(&format!("{}/calls/new", ward.chart("Delgado"))).await.unwrap();
    let form = page.form("/calls/new").unwrap().with("when", "now");
    let reply = maya.post(&page.at, &form.fields).await.unwrap();
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("outside the patient's calling hours"), "{}", reply.text());
    assert!(reply.text().contains("Tue 17 Nov 08:00"), "it says when: {}", reply.text());
}

#[tokio::test]
async fn a_patient_who_died_before_the_call_fell_due_is_not_rung() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.plan_in(&maya, "Delgado", chrono::Duration::hours(2)).await;
    ward.patient_status("Delgado", "deceased").await;
    ward.let_pass(121 * MINUTE).await;
    ward.until_state(&call, "cancelled").await;
    ward.settle().await;
    assert!(ward.town.carrier().calls().is_empty());
    // Two hours without a deed ended Maya's session.
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = maya.open(&call).await.unwrap();
    assert!(page.text().contains("died"), "the page says why: {}", page.text());
}

#[tokio::test]
async fn two_weeks_pass_and_each_planned_call_rings_once() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    for day in [1, 5, 13] {
        ward.plan_in(&maya, "Ferreira", chrono::Duration::days(day)).await;
    }
    ward.only_one_attempt().await;
    for day in 1..=14 {
        for _ in 0..4 {
            ward.let_pass(360 * MINUTE).await;
        }
        let rung = ward.town.carrier().calls().len();
        let due = [1, 5, 13].iter().filter(|due| **due <= day).count();
        assert_eq!(rung, due, "after day {day}");
    }
}
