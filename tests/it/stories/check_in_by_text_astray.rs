//! Stories of a check-in by text that goes otherwise: silence, nonsense, stop, a stranger, closing hours, answers too late.

use crate::support::texting::{
    MAYA, RIVERSIDE, ROSA, answers, open, open_quiet, open_quiet_at, read_by, reply, rosa_proves, rounds, sent_to,
    until_reads,
};
use std::time::Duration;

const INES: &str = "+12125550103";
const HAROLD: &str = "+12125550104";
const JUNE: &str = "+12125550105";

#[tokio::test]
async fn silence_is_asked_again_and_then_ends_the_check_in_with_what_was_answered() {
    let (ward, maya) = open().await;
    let call = ward.check_in_by_text_now(&maya, "Ferreira").await;
    rounds(&ward, 3 + 9 + 2, 1).await;
    until_reads(&ward, INES, "Drowsiness").await;
    ward.let_pass(Duration::from_secs(15 * 60 + 30)).await;
    until_reads(&ward, INES, "Are you still there?").await;
    for _ in 0..2 {
        ward.let_pass(Duration::from_secs(15 * 60 + 30)).await;
    }
    ward.until_state(&call, "needs_person").await;
    until_reads(&ward, INES, "We have not heard from you").await;
    ward.until_follow_up(&call, "check_in_silent").await;
    assert_eq!(answers(&ward, &call).await.len(), 11);
    let draft =
        "exists (select from assessment where state = 'draft' and evaluation -> 'missing_required' ? 'esas_nausea')";
    ward.until_database("a draft that says what is missing", draft).await;
    ward.until_database(
        "the level of what was answered",
        "exists (select from follow_up where reason = 'check_in_silent' and urgency = 'same_day')",
    )
    .await;
}

#[tokio::test]
async fn somebody_who_never_answers_is_asked_twice_and_then_a_person_is_told() {
    let (ward, maya) = open_quiet().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    until_reads(&ward, ROSA, "good time").await;
    ward.let_pass(Duration::from_secs(15 * 60 + 30)).await;
    until_reads(&ward, ROSA, "in case you missed it").await;
    ward.let_pass(Duration::from_secs(15 * 60 + 30)).await;
    ward.until_state(&call, "missed").await;
    ward.until_follow_up(&call, "missed_call").await;
    ward.let_pass(Duration::from_secs(6 * 3600)).await;
    assert_eq!(sent_to(&ward, ROSA).len(), 2, "nobody is written to for ever");
    assert_eq!(ward.town.carrier().calls().len(), 0);
}

#[tokio::test]
async fn somebody_who_has_no_time_now_is_asked_an_hour_later() {
    let (ward, maya) = open_quiet().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    reply(&ward, ROSA, "good time", "not now").await;
    until_reads(&ward, ROSA, "in about an hour").await;
    ward.until_state(&call, "scheduled").await;
    ward.let_pass(Duration::from_secs(61 * 60)).await;
    ward.until_state(&call, "placed").await;
    ward.eventually("a second beginning", async || read_by(&ward, ROSA).matches("good time").count() == 2).await;
}

#[tokio::test]
async fn numbers_that_are_none_are_asked_thrice_and_words_go_to_a_person_once() {
    let (ward, maya) = open().await;
    let call = ward.check_in_by_text_now(&maya, "Bloom").await;
    rounds(&ward, 3 + 9 + 3 + 1 + 2 + 6, 1).await;
    ward.until_state(&call, "done").await;
    let words = read_by(&ward, HAROLD);
    assert_eq!(words.matches("one whole number from 0 to 10").count(), 2, "{words}");
    assert_eq!(words.matches("A person will read what you wrote").count(), 1, "{words}");
    assert_eq!(words.matches("We leave that one for the nurse").count(), 2, "{words}");
    let given = answers(&ward, &call).await;
    assert_eq!(given.len(), 16, "what did not fit is no answer: {given:?}");
    ward.until_database(
        "the words to be work for a person, and the numbers not",
        "(select count(*) from follow_up where reason = 'text_to_read') = 2
         and not exists (select from follow_up where reason = 'text_to_read' and summary not like '%elephants%')",
    )
    .await;
    let missing = "exists (select from assessment where evaluation -> 'missing_required' ? 'esas_pain')";
    ward.until_database("what nobody could answer to be missing", missing).await;
}

#[tokio::test]
async fn a_red_flag_that_nobody_can_answer_in_words_brings_a_person() {
    let (ward, maya) = open_quiet().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    rosa_proves(&ward).await;
    reply(&ward, ROSA, "1/18", "maybe so").await;
    reply(&ward, ROSA, "A person will read what you wrote", "maybe so").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "check_in_person").await;
    until_reads(&ward, ROSA, "a nurse is being asked to call you now").await;
}

#[tokio::test]
async fn stop_in_the_middle_ends_the_check_in_and_every_text_and_a_person_is_told() {
    let (ward, maya) = open().await;
    let call = ward.check_in_by_text_now(&maya, "Whitaker").await;
    rounds(&ward, 3 + 9 + 4, 1).await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "check_in_cut_off").await;
    until_reads(&ward, JUNE, "no more texts").await;
    assert_eq!(answers(&ward, &call).await.len(), 12);
    ward.let_pass(Duration::from_secs(3600)).await;
    let after = sent_to(&ward, JUNE).into_iter().skip_while(|text| !text.body.contains("no more texts")).count();
    assert_eq!(after, 1, "nothing follows the answer to the stop");
    let maya = ward.sign_in(MAYA).await;
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("12 answers. They wanted no more texts"), "{page}");
}

#[tokio::test]
async fn whoever_cannot_prove_who_they_are_is_told_nothing_clinical_and_tries_three_times() {
    let (ward, maya) = open_quiet().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    reply(&ward, ROSA, "good time", "1").await;
    reply(&ward, ROSA, "date of birth", "04/12/1948").await;
    reply(&ward, ROSA, "call code", "0000").await;
    until_reads(&ward, ROSA, "did not match").await;
    ward.clock.advance(Duration::from_secs(10));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "1111").await;
    ward.eventually("asked again", async || read_by(&ward, ROSA).matches("did not match").count() == 2).await;
    ward.until_database(
        "the question to be out",
        "not exists (select from text_message where wording = 'check_in' and state in ('scheduled', 'sending'))",
    )
    .await;
    ward.clock.advance(Duration::from_secs(10));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "2222").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "identity_not_proven").await;
    until_reads(&ward, ROSA, "could not make sure who writes").await;
    let words = read_by(&ward, ROSA).to_lowercase();
    for clinical in ["hospice", "pain", "nurse", "check-in", "18"] {
        assert!(!words.replace("+12125550199", "").contains(clinical), "{clinical} was written: {words}");
    }
    // The control: with the right code the same person is asked.
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    ward.eventually("a new beginning", async || read_by(&ward, ROSA).matches("good time").count() == 2).await;
    ward.until_database(
        "it to be out",
        "not exists (select from text_message where state in ('scheduled', 'sending'))",
    )
    .await;
    ward.clock.advance(Duration::from_secs(10));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "1").await;
    ward.eventually("the date", async || read_by(&ward, ROSA).matches("date of birth").count() == 2).await;
    ward.until_database(
        "it to be out",
        "not exists (select from text_message where state in ('scheduled', 'sending'))",
    )
    .await;
    ward.clock.advance(Duration::from_secs(10));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "04121948").await;
    ward.until_database(
        "the code to be asked",
        &format!("exists (select from call where id = '{}' and script ->> 'scene' = 'call_code')", &call[7..]),
    )
    .await;
    ward.until_database(
        "it to be out",
        "not exists (select from text_message where state in ('scheduled', 'sending'))",
    )
    .await;
    ward.clock.advance(Duration::from_secs(10));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "4821").await;
    until_reads(&ward, ROSA, "1/18").await;
}

#[tokio::test]
async fn a_check_in_whose_hours_close_in_the_middle_ends_with_what_was_answered() {
    // Five minutes before eight in the evening in New York; the organization's hours end at eight.
    let (ward, maya) = open_quiet_at("2026-11-18T00:55:00Z".parse().unwrap()).await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    rosa_proves(&ward).await;
    reply(&ward, ROSA, "1/18", "no").await;
    until_reads(&ward, ROSA, "2/18").await;
    ward.clock.advance(Duration::from_secs(6 * 60));
    // What somebody writes after the hours is heard; nothing more is asked.
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "no").await;
    ward.until_state(&call, "needs_person").await;
    ward.until_follow_up(&call, "check_in_cut_off").await;
    until_reads(&ward, ROSA, "must end here for today").await;
    assert_eq!(answers(&ward, &call).await.len(), 2);
    ward.let_pass(Duration::from_secs(14 * 3600)).await;
    assert!(!read_by(&ward, ROSA).contains("3/18"), "no question comes out of the night");
    let held = "exists (select from text_message where state = 'held_back' and outcome = 'outside_calling_hours')";
    ward.until_database("the question that was held back", held).await;
}

#[tokio::test]
async fn an_answer_that_comes_after_the_end_is_kept_for_a_person_and_the_sender_is_told() {
    let (ward, maya) = open_quiet().await;
    let call = ward.check_in_by_text_now(&maya, "Delgado").await;
    rosa_proves(&ward).await;
    reply(&ward, ROSA, "1/18", "PERSON").await;
    ward.until_state(&call, "needs_person").await;
    ward.clock.advance(Duration::from_secs(60));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "no").await;
    until_reads(&ward, ROSA, "the questions are over").await;
    ward.until_database(
        "it to be work for a person",
        "exists (select from follow_up where reason = 'text_to_read' and summary like '%“no”%')",
    )
    .await;
    assert!(answers(&ward, &call).await.is_empty());
}
