//! Stories of a check-in by keypad, from the telephone to the nurse who reads and signs it.

use crate::support::{
    protocol::check_in_files,
    ward::{Ward, call_of},
};
use careline::{
    demo::nurse::Nurse,
    ports::clock::Clock,
    simulator::{carrier::CallSeen, people::TownPlan},
};
use std::time::Duration;

const MAYA: &str = "maya@riverside.example";
const ROSAS: &str = "+12125550101";
const CARMENS: &str = "+12125550107";
const WALTERS: &str = "+12125550102";

/// A ward with the check-in in use, people in town who answer it, and everybody asked whether a machine may ask them.
async fn open() -> (Ward, Nurse) {
    let ward = Ward::open().await;
    for organization in &ward.organizations {
        careline::flows::import_protocol::import(&ward.app(), &organization.operator, check_in_files()).await.unwrap();
    }
    let people = include_str!("../../../evals/calls/check-ins.yaml");
    ward.town.carrier().settle(TownPlan::read(people).unwrap());
    consent(&ward, "true").await;
    let maya = ward.sign_in(MAYA).await;
    (ward, maya)
}

async fn consent(ward: &Ward, given: &str) {
    let at = ward.clock.now().to_rfc3339();
    ward.change(&format!(
        "insert into consent (org_id, id, patient_id, purpose, channel, given, evidence, at)
         select org_id, gen_random_uuid(), id, 'automated_calls', 'voice', {given}, 'said so at a visit', '{at}'
           from patient"
    ))
    .await;
}

/// Every word the carrier spoke into a telephone of town.
fn spoken(ward: &Ward, number: &str) -> String {
    let calls = ward.town.carrier().calls();
    calls.iter().filter(|call| call.to == number).flat_map(|call| call.spoken.clone()).collect::<Vec<_>>().join("\n")
}

async fn until_hears(ward: &Ward, number: &str, words: &str) {
    let hears = |call: &CallSeen| call.to == number && call.spoken.iter().any(|said| said.contains(words));
    ward.until_carrier(words, |calls| calls.iter().any(hears).then_some(())).await;
}

async fn answers(ward: &Ward, call: &str) -> Vec<String> {
    let call = call_of(call);
    let rows = format!("select question || ' ' || value from check_in_answer where call_id = '{call}' order by at, id");
    sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_all(&mut ward.superuser().await).await.unwrap()
}

/// Nothing of the call was recorded, no stream was asked for, and no model was called.
async fn only_keys(ward: &Ward) {
    let streams: i64 =
        sqlx::query_scalar("select count(*) from media_stream").fetch_one(&mut ward.superuser().await).await.unwrap();
    assert_eq!(streams, 0, "no audio was taken");
    assert_eq!(ward.town.model().report().prompts.len(), 0, "no model was called");
}

#[tokio::test]
async fn a_check_in_is_answered_by_keys_read_by_a_nurse_and_signed_by_nobody_else() {
    let (ward, maya) = open().await;
    let call = ward.check_in_now(&maya, "Delgado").await;
    ward.until_state(&call, "done").await;
    until_hears(&ward, ROSAS, "That was the last question").await;
    only_keys(&ward).await;
    let words = spoken(&ward, ROSAS);
    let (before, after) = words.split_once("four-digit call code").unwrap();
    for secret in ["Riverside", "Rosa", "Delgado", "hospice", "pain", "check-in", "nurse"] {
        assert!(!before.to_lowercase().contains(&secret.to_lowercase()), "{secret} was said too early: {before}");
    }
    assert!(after.contains("automatic voice of Riverside Home Hospice") && after.contains("9 1 1"), "{after}");
    assert_eq!(ward.town.carrier().calls().len(), 1, "no nurse was rung");
    assert_eq!(answers(&ward, &call).await.len(), 18);
    ward.until_follow_up(&call, "check_in_to_read").await;
    // The worst item leads: breath at 4 and worry at 10 mean today.
    let today = maya.open("/today").await.unwrap().text();
    assert!(today.contains("Check-ins to read 1") && today.contains("Visit today, within 4 hours"), "{today}");
    let page = maya.open(&call).await.unwrap();
    assert!(page.text().contains("Check-in by keypad: 18 answers"), "{}", page.text());
    assert!(page.text().contains("nothing is signed"), "{}", page.text());
    let chart = maya.open(&ward.chart("Delgado")).await.unwrap().text();
    assert!(chart.contains("ESAS-r over time") && chart.contains("Tiredness 8"), "{chart}");
    let form = page.forms().into_iter().find(|form| form.action.ends_with("/answers")).unwrap();
    let signed =
        maya.post(&format!("{call}/sign"), &form.with("agreed_plan", "Visit this afternoon.").fields).await.unwrap();
    assert!(signed.text().contains("Signed by Maya Okafor"), "{}", signed.text());
    ward.until_database(
        "the answers to be off the list of work",
        "not exists (select from follow_up where reason = 'check_in_to_read' and state = 'open')",
    )
    .await;
    // The control: a question to the guide does reach the model, and the count above would have shown it.
    let page = maya.open(&call).await.unwrap();
    maya.send(&page, &page.form("/ask").unwrap().with("question", "What does drowsiness mean?")).await.unwrap();
    assert!(!ward.town.model().report().prompts.is_empty());
}

#[tokio::test]
async fn a_check_in_in_spanish_is_spanish_to_the_last_word() {
    let (ward, maya) = open().await;
    let call = ward.check_in_now(&maya, "Ibáñez").await;
    ward.until_state(&call, "done").await;
    until_hears(&ward, CARMENS, "Esa fue la última pregunta").await;
    let words = spoken(&ward, CARMENS);
    for english in ["press", "number", "nurse", "Thank you", "how is it now"] {
        assert!(!words.contains(english), "{english} was said: {words}");
    }
    assert_eq!(answers(&ward, &call).await.len(), 18);
    only_keys(&ward).await;
}

#[tokio::test]
async fn a_red_flag_ends_the_questions_and_reaches_a_nurse_at_once() {
    let (ward, maya) = open().await;
    let call = ward.check_in_now(&maya, "Lindqvist").await;
    ward.until_state(&call, "bridged").await;
    until_hears(&ward, WALTERS, "hang up and dial 9 1 1").await;
    let to_nurse = |call: &CallSeen| call.spoken.iter().any(|said| said.contains("check-in found a red flag"));
    assert!(ward.town.carrier().calls().iter().any(to_nurse), "the nurse hears why");
    assert!(!spoken(&ward, WALTERS).contains("drooping face"), "nothing is asked after a red flag");
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("Red flag: Chest pain") && page.contains("Emergency services now"), "{page}");
    only_keys(&ward).await;
}

#[tokio::test]
async fn a_red_flag_with_no_nurse_gets_the_protocols_emergency_words_and_work_within_minutes() {
    let (ward, maya) = open().await;
    ward.change("update staff_member set on_duty = false").await;
    ward.change("update organization set emergency_number = '112'").await;
    let call = ward.check_in_now(&maya, "Lindqvist").await;
    ward.until_state(&call, "needs_person").await;
    until_hears(&ward, WALTERS, "Please hang up and dial 1 1 2 now. Do not wait for us.").await;
    let words = spoken(&ward, WALTERS);
    assert!(!words.contains("will ring you back"), "an emergency is not answered with a promise: {words}");
    ward.until_follow_up(&call, "red_flag_alone").await;
    let soon = "exists (select from follow_up where reason = 'red_flag_alone' and urgency = 'emergency_now'
                         and due_at <= created_at + interval '5 minutes')";
    ward.until_database("urgent work", soon).await;
    let owed = maya.open("/follow-ups").await.unwrap().text();
    assert!(owed.contains("A red flag, and no nurse spoke with them"), "{owed}");
}

#[tokio::test]
async fn thoughts_of_suicide_with_no_nurse_are_told_the_lifeline() {
    let (ward, maya) = open().await;
    ward.change("update staff_member set on_duty = false").await;
    let call = ward.check_in_now(&maya, "Hale").await;
    ward.until_state(&call, "needs_person").await;
    until_hears(&ward, "+12125550109", "dial 9 8 8, day or night, or 9 1 1 now").await;
}

#[tokio::test]
async fn whoever_asks_for_a_person_has_one_and_nothing_they_pressed_is_lost() {
    let (ward, maya) = open().await;
    let call = ward.check_in_now(&maya, "Marlow").await;
    ward.until_state(&call, "bridged").await;
    until_hears(&ward, "+12125550108", "connecting you with a nurse").await;
    assert_eq!(answers(&ward, &call).await.len(), 10);
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("10 answers. They were put through to a person"), "{page}");
    only_keys(&ward).await;
}

#[tokio::test]
async fn a_number_that_is_none_is_asked_again_in_plain_words() {
    let (ward, maya) = open().await;
    let call = ward.check_in_now(&maya, "Bloom").await;
    ward.until_state(&call, "done").await;
    until_hears(&ward, "+12125550104", "Please enter a number from 0 to 10").await;
    let answers = answers(&ward, &call).await;
    assert!(answers.contains(&"esas_pain 6".to_owned()), "{answers:?}");
    assert_eq!(answers.len(), 18, "what did not fit is no answer");
}

#[tokio::test]
async fn somebody_who_hangs_up_in_the_middle_is_owed_a_person_and_not_rung_again() {
    let (ward, maya) = open().await;
    let call = ward.check_in_now(&maya, "Whitaker").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "check_in_cut_off").await;
    assert_eq!(answers(&ward, &call).await.len(), 12, "a cut line loses nothing");
    ward.let_pass(Duration::from_secs(4 * 3600)).await;
    assert_eq!(ward.town.carrier().calls().len(), 1, "no machine rings again");
    let maya = ward.sign_in(MAYA).await;
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("12 answers. The line ended in the middle"), "{page}");
    // What was not answered is missing, so nobody signs over it.
    let draft =
        "exists (select from assessment where state = 'draft' and evaluation -> 'missing_required' ? 'esas_nausea')";
    ward.until_database("a draft that says what is missing", draft).await;
}

#[tokio::test]
async fn silence_ends_the_check_in_and_a_person_is_told() {
    let (ward, maya) = open().await;
    let call = ward.check_in_now(&maya, "Ferreira").await;
    until_hears(&ward, "+12125550103", "Drowsiness").await;
    for _ in 0..4 {
        ward.let_pass(Duration::from_secs(11)).await;
    }
    ward.until_state(&call, "needs_person").await;
    until_hears(&ward, "+12125550103", "I do not hear you").await;
    ward.until_follow_up(&call, "check_in_silent").await;
    assert_eq!(answers(&ward, &call).await.len(), 11);
}

#[tokio::test]
async fn nobody_is_asked_by_a_machine_without_having_allowed_it() {
    let (ward, maya) = open().await;
    consent(&ward, "false").await;
    let chart = ward.chart("Delgado");
    let page = maya.open(&format!("{chart}/calls/new")).await.unwrap();
    let form = page.form("/calls/new").unwrap().with("manner", "keypad").with("protocol", "check-in-esas");
    let refused = maya.send(&page, &form.clone().with("when", "now")).await.map(drop).expect_err("it may not ring");
    assert!(refused.to_string().contains("No consent to be asked by an automatic voice"), "{refused}");
    // Planned while it was allowed, withdrawn before it fell due: it is called off and somebody is told.
    ward.clock.advance(Duration::from_secs(1));
    consent(&ward, "true").await;
    let call = ward.check_in_in(&maya, "Delgado", chrono::Duration::minutes(30)).await;
    ward.clock.advance(Duration::from_secs(1));
    consent(&ward, "false").await;
    ward.let_pass(Duration::from_secs(31 * 60)).await;
    ward.until_state(&call, "cancelled").await;
    ward.until_follow_up(&call, "call_held_back").await;
    assert_eq!(ward.town.carrier().calls().len(), 0, "no telephone rang");
    let maya = ward.sign_in(MAYA).await;
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("No consent to be asked by an automatic voice is in force"), "{page}");
    // The control: with the consent in force the same plan rings.
    ward.clock.advance(Duration::from_secs(1));
    consent(&ward, "true").await;
    let call = ward.check_in_now(&maya, "Delgado").await;
    ward.until_state(&call, "done").await;
}

#[tokio::test]
async fn a_care_plan_says_who_asks_and_only_a_protocol_with_words_for_it_is_asked_by_a_machine() {
    let (ward, _) = open().await;
    let clara = ward.sign_in("clara@riverside.example").await;
    let plans = format!("{}/plans", ward.chart("Delgado"));
    let page = clara.open(&plans).await.unwrap();
    let form = page.forms().into_iter().find(|form| form.offers("act", "keep")).unwrap();
    let form = form.with("manner", "keypad").with("act", "keep").with("usual", "FREQ=DAILY");
    let refused = clara.post(&plans, &form.clone().with("protocol", "dyspnea").fields).await.unwrap();
    assert_eq!(refused.status, 422, "breathlessness has no words for a machine");
    assert!(refused.text().contains("no words for an automatic voice"), "{}", refused.text());
    clara.post(&plans, &form.with("protocol", "check-in-esas").fields).await.unwrap();
    ward.until_database(
        "calls of the plan",
        "exists (select from call where manner = 'keypad' and plan_id is not null)",
    )
    .await;
    let page = clara.open(&plans).await.unwrap().text();
    assert!(page.contains("An automatic voice, answered by keys"), "{page}");
}
