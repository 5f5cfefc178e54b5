//! Stories of a check-in by text, from the first text to the nurse who reads the answers.

use crate::support::{
    texting::{RIVERSIDE, ROSA, answers, consent, open, open_quiet, read_by, reply, rosa_proves, rounds, until_reads},
    ward::Ward,
};
use careline::simulator::carrier::CallSeen;
use std::time::Duration;

const CARMEN: &str = "+12125550107";
const WALTER: &str = "+12125550102";
const EDITH: &str = "+12125550108";
/// Texts of the script and of the protocol.
const ALL: usize = 3 + 18;

/// No telephone rang and no model was called.
fn only_texts(ward: &Ward) {
    assert_eq!(ward.town.carrier().calls().len(), 0, "no telephone rang");
    assert_eq!(ward.town.model().report().prompts.len(), 0, "no model was called");
}

#[tokio::test]
async fn a_check_in_is_answered_by_texts_read_by_a_nurse_and_signed_by_nobody_else() {
    let (ward, maya) = open().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    until_reads(&ward, ROSA, "good time").await;
    let today = maya.open("/today").await.unwrap().text();
    assert!(today.contains("Asked by text now 1") && today.contains("Waits for a reply"), "{today}");
    rounds(&ward, ALL, 1).await;
    ward.until_state(&call, "done").await;
    until_reads(&ward, ROSA, "That was the last question").await;
    only_texts(&ward);
    let words = read_by(&ward, ROSA);
    let (before, after) = words.split_once("Riverside Home Hospice").unwrap();
    for secret in ["Rosa", "Delgado", "hospice", "pain", "check-in", "nurse", "health"] {
        assert!(!before.to_lowercase().contains(&secret.to_lowercase()), "{secret} was written too early: {before}");
    }
    assert!(after.contains("8 noted.") && after.contains("18/18"), "{after}");
    let given = answers(&ward, &call).await;
    assert_eq!(given.len(), 18);
    for answer in ["esas_tiredness 8", "esas_nausea 0", "esas_breath 4", "esas_anxiety 10", "u_chest_pain no"] {
        assert!(given.iter().any(|given| given == answer), "{answer} in {given:?}");
    }
    ward.until_follow_up(&call, "check_in_to_read").await;
    ward.until_database(
        "what proves who somebody is not to be kept",
        "not exists (select from text_message where body like '%4821%' or body like '%1948%')",
    )
    .await;
    let today = maya.open("/today").await.unwrap().text();
    assert!(today.contains("Check-ins to read 1") && today.contains("by text"), "{today}");
    assert!(!today.contains("wait to be read"), "answers are no pile of texts to read: {today}");
    let page = maya.open(&call).await.unwrap();
    assert!(page.text().contains("Check-in by text: 18 answers"), "{}", page.text());
    let thread = maya.open(&format!("{}/texts", ward.chart("Delgado"))).await.unwrap().text();
    assert!(thread.contains("Careline, for the check-in") && thread.contains("answers the check-in"), "{thread}");
    let form = page.forms().into_iter().find(|form| form.action.ends_with("/answers")).unwrap();
    let signed =
        maya.post(&format!("{call}/sign"), &form.with("agreed_plan", "Visit this afternoon.").fields).await.unwrap();
    assert!(signed.text().contains("Signed by Maya Okafor"), "{}", signed.text());
    // The control: a question to the guide does reach the model, and the count above would have shown it.
    let page = maya.open(&call).await.unwrap();
    maya.send(&page, &page.form("/ask").unwrap().with("question", "What does drowsiness mean?")).await.unwrap();
    assert!(!ward.town.model().report().prompts.is_empty());
}

#[tokio::test]
async fn a_check_in_by_text_in_spanish_is_spanish_to_the_last_word() {
    let (ward, maya) = open().await;
    let call = ward.check_in_by_text_now(&maya, "Ibáñez").await;
    rounds(&ward, ALL, 1).await;
    ward.until_state(&call, "done").await;
    until_reads(&ward, CARMEN, "Esa fue la última pregunta").await;
    let words = read_by(&ward, CARMEN);
    for english in ["reply", "number", "nurse", "Thank you", "how is it now"] {
        assert!(!words.to_lowercase().contains(&english.to_lowercase()), "{english} was written: {words}");
    }
    let given = answers(&ward, &call).await;
    assert!(given.len() == 18 && given.contains(&"esas_appetite 10".to_owned()), "{given:?}");
    only_texts(&ward);
}

#[tokio::test]
async fn a_red_flag_by_text_gets_the_protocols_emergency_words_and_a_nurse_is_rung_to_call() {
    let (ward, maya) = open().await;
    ward.change("update organization set emergency_number = '112'").await;
    let call = ward.check_in_by_text_now(&maya, "Lindqvist").await;
    rounds(&ward, 3 + 3, 1).await;
    ward.until_state(&call, "needs_person").await;
    until_reads(&ward, WALTER, "Please call 112 now; do not wait for us").await;
    assert!(!read_by(&ward, WALTER).contains("drooping face"), "nothing is asked after a red flag");
    let soon = "exists (select from follow_up where reason = 'red_flag_alone' and urgency = 'emergency_now'
                         and due_at <= created_at + interval '5 minutes')";
    ward.until_database("urgent work", soon).await;
    // A nurse hears why, and once she is on the line the patient's telephone rings.
    let to_nurse = |call: &CallSeen| call.spoken.iter().any(|said| said.contains("check-in found a red flag"));
    ward.until_carrier("a nurse to be rung", |calls| calls.iter().any(to_nurse).then_some(())).await;
    let to_walter = |call: &CallSeen| call.to == WALTER;
    ward.until_carrier("Walter to be rung", |calls| calls.iter().any(to_walter).then_some(())).await;
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("Red flag: Chest pain") && page.contains("Emergency services now"), "{page}");
    assert_eq!(ward.town.model().report().prompts.len(), 0, "no model was called");
}

#[tokio::test]
async fn whoever_writes_person_has_a_nurse_asked_at_once_and_nothing_they_answered_is_lost() {
    let (ward, maya) = open().await;
    let call = ward.check_in_by_text_now(&maya, "Marlow").await;
    rounds(&ward, 3 + 9 + 2, 1).await;
    ward.until_state(&call, "needs_person").await;
    until_reads(&ward, EDITH, "a nurse is being asked to call you now").await;
    ward.until_follow_up(&call, "check_in_person").await;
    ward.until_carrier("Edith to be rung", |calls| calls.iter().any(|call| call.to == EDITH).then_some(())).await;
    assert_eq!(answers(&ward, &call).await.len(), 10);
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("10 answers. They asked for a person"), "{page}");
}

#[tokio::test]
async fn every_reply_sent_twice_counts_once_and_for_the_question_that_was_open() {
    let (ward, maya) = open().await;
    let call = ward.check_in_by_text_now(&maya, "Hale").await;
    rounds(&ward, ALL, 2).await;
    ward.until_state(&call, "done").await;
    let given = answers(&ward, &call).await;
    let numbers: Vec<&str> = given.iter().filter(|answer| answer.starts_with("esas_")).map(String::as_str).collect();
    assert_eq!(
        numbers,
        [
            "esas_pain 3",
            "esas_tiredness 2",
            "esas_drowsiness 1",
            "esas_nausea 0",
            "esas_appetite 2",
            "esas_breath 4",
            "esas_depression 1",
            "esas_anxiety 0",
            "esas_wellbeing 5"
        ],
        "had a second copy counted for the next question, every number would stand one place too late"
    );
    assert_eq!(given.len(), 18);
}

#[tokio::test]
async fn a_second_thought_sent_at_once_changes_the_answer_it_belongs_to() {
    let (ward, maya) = open_quiet().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    rosa_proves(&ward).await;
    reply(&ward, ROSA, "1/18", "no").await;
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "yes").await;
    ward.until_state(&call, "needs_person").await;
    until_reads(&ward, ROSA, "This may be an emergency").await;
    assert_eq!(answers(&ward, &call).await, ["u_choking no", "u_choking yes"]);
}

#[tokio::test]
async fn a_killed_product_loses_no_reply_and_counts_none_twice() {
    let (mut ward, maya) = open_quiet().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    rosa_proves(&ward).await;
    for (part, next) in [("1/18", "2/18"), ("2/18", "3/18")] {
        until_reads(&ward, ROSA, part).await;
        ward.clock.advance(Duration::from_secs(10));
        ward.kill_server();
        // Nobody takes it; the carrier has it.
        ward.town.carrier().make_text(ROSA, RIVERSIDE, "no").await;
        ward.start_server().await;
        until_reads(&ward, ROSA, next).await;
    }
    assert_eq!(answers(&ward, &call).await, ["u_choking no", "u_major_bleeding no"]);
    let asked = read_by(&ward, ROSA).matches("2/18").count();
    assert_eq!(asked, 1, "each question went out once");
}

#[tokio::test]
async fn nobody_is_asked_by_text_without_having_allowed_clinical_texts() {
    let (ward, maya) = open_quiet().await;
    ward.clock.advance(Duration::from_secs(1));
    consent(&ward, "false").await;
    let chart = ward.chart("Delgado");
    let page = maya.open(&format!("{chart}/calls/new")).await.unwrap();
    let form = page.form("/calls/new").unwrap().with("manner", "reply_text").with("protocol", "check-in-esas");
    let refused = maya.send(&page, &form.with("when", "now")).await.map(drop).expect_err("it may not begin");
    assert!(refused.to_string().contains("No consent to clinical texts is in force"), "{refused}");
    assert!(refused.to_string().contains("Ask them, then record"), "{refused}");
    // Withdrawn in the middle: the next question is held back, and what was answered is given to a person.
    ward.clock.advance(Duration::from_secs(1));
    consent(&ward, "true").await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    rosa_proves(&ward).await;
    ward.clock.advance(Duration::from_secs(1));
    consent(&ward, "false").await;
    reply(&ward, ROSA, "1/18", "no").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "check_in_cut_off").await;
    assert!(!read_by(&ward, ROSA).contains("2/18"), "nothing clinical after the consent is gone");
    // The control: the text was there to be sent, and it was the consent that held it back.
    let held = "exists (select from text_message where state = 'held_back' and outcome = 'no_consent_to_clinical_texts'
                         and body like '2/18%')";
    ward.until_database("the question that was held back", held).await;
}

#[tokio::test]
async fn the_chart_records_the_consent_and_a_plan_keeps_its_check_ins_by_text() {
    let (ward, maya) = open_quiet().await;
    ward.clock.advance(Duration::from_secs(1));
    consent(&ward, "false").await;
    ward.clock.advance(Duration::from_secs(1));
    let standing = format!("{}/standing", ward.chart("Delgado"));
    let page = maya.open(&standing).await.unwrap();
    let form = page.forms().into_iter().find(|form| form.offers("purpose", "clinical_texts")).unwrap();
    let form = form.with("purpose", "clinical_texts").with("channel", "sms").with("answer", "given");
    maya.send(&page, &form.with("evidence", "said so at the visit of 17 November")).await.unwrap();
    let page = maya.open(&standing).await.unwrap().text();
    assert!(page.contains("To be asked about health by automated texts, by text message"), "{page}");
    let clara = ward.sign_in("clara@riverside.example").await;
    let plans = format!("{}/plans", ward.chart("Delgado"));
    let page = clara.open(&plans).await.unwrap();
    let form = page.forms().into_iter().find(|form| form.offers("act", "keep")).unwrap();
    let form = form.with("manner", "reply_text").with("act", "keep").with("usual", "FREQ=DAILY");
    let refused = clara.post(&plans, &form.clone().with("protocol", "dyspnea").fields).await.unwrap();
    assert!(refused.text().contains("no words for automated texts"), "{}", refused.text());
    clara.post(&plans, &form.with("protocol", "check-in-esas").fields).await.unwrap();
    ward.until_database(
        "calls of the plan",
        "exists (select from call where manner = 'reply_text' and plan_id is not null)",
    )
    .await;
    assert!(clara.open(&plans).await.unwrap().text().contains("Automated texts, answered by texts"));
    ward.let_pass(Duration::from_secs(24 * 3600)).await;
    until_reads(&ward, ROSA, "good time").await;
    only_texts(&ward);
}
