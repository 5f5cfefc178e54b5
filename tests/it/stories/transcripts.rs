//! What was said, once it is written: each word with its time, corrected beside what was heard, found again, and erased when its
//! time is over.

use crate::support::studio::{Studio, run};
use careline::{
    domain::{
        ids::OrgId,
        people::{Actor, Role},
    },
    flows::transcripts::erase,
    jobs::calendar::{self, Round},
};
use reqwest::StatusCode;
use scraper::{Html, Selector};
use uuid::Uuid;

fn all(page: &str, selector: &str) -> Vec<String> {
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Html::parse_document(page)
        .select(&Selector::parse(selector).unwrap())
        .map(|found| words(found.text().collect()))
        .collect()
}

async fn page(studio: &Studio, role: Role) -> String {
    studio.entrance.get(role, &format!("/calls/{}", studio.call)).await.text().await.unwrap()
}

async fn text(studio: &mut Studio, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(&mut studio.entrance.superuser).await.unwrap()
}

/// An utterance that was heard some days ago, in a language.
async fn heard(studio: &mut Studio, said: &str, language: &str, days_ago: i32) -> Uuid {
    let (org, call, leg, id) = (studio.entrance.home.org, studio.call, studio.patient.id, Uuid::now_v7());
    let statement = format!(
        "insert into utterance (org_id, id, call_id, leg_id, speaker, text, from_at, to_at, language)
         values ('{org}', '{id}', '{call}', '{leg}', 'patient', '{said}', now() - interval '{days_ago} days',
                 now() - interval '{days_ago} days', '{language}')"
    );
    run(&mut studio.entrance.superuser, &statement).await;
    id
}

async fn correct(studio: &Studio, role: Role, utterance: Uuid, seen: &str, words: &str) -> (StatusCode, String) {
    let path = format!("/calls/{}/utterances/{utterance}/correct", studio.call);
    let reply = studio.entrance.post(role, &path, &[("seen", seen), ("text", words)]).await;
    (reply.status(), reply.text().await.unwrap())
}

async fn found(studio: &Studio, words: &str) -> Vec<String> {
    let path = format!("/patients/{}/words", studio.entrance.home.patient);
    let reply = studio.entrance.post(Role::Nurse, &path, &[("words", words)]).await;
    assert_eq!(reply.status(), StatusCode::OK);
    all(&reply.text().await.unwrap(), ".rows li > div:first-child > div:last-child")
}

#[tokio::test]
async fn each_word_leads_to_where_it_is_heard() {
    let mut studio = Studio::open(Some(true)).await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.silent_until(1_000).await;
    hers.say("Six right now").await;
    hers.silent_until(6_000).await;
    hers.stop().await;
    studio.hang_up().await;
    let page = page(&studio, Role::Nurse).await;
    assert_eq!(all(&page, ".words a.w[data-seek]"), ["Six", "right", "now"]);
    let seeks: Vec<f64> = Html::parse_document(&page)
        .select(&Selector::parse(".words a.w").unwrap())
        .map(|word| word.attr("data-seek").unwrap().parse().unwrap())
        .collect();
    assert!((0.9..1.2).contains(&seeks[0]) && seeks[0] < seeks[1] && seeks[1] < seeks[2], "{seeks:?}");
    assert!(seeks[2] - seeks[0] > 0.2, "not all at the beginning of the utterance: {seeks:?}");
    // The control: an utterance without times of words is written without links in it, and stands there all the same.
    let _plain = heard(&mut studio, "And no time of it", "en-US", 0).await;
    let page = self::page(&studio, Role::Nurse).await;
    assert_eq!(all(&page, ".words").len(), 2);
    assert_eq!(all(&page, ".words a.w").len(), 3);
}

#[tokio::test]
async fn a_word_of_which_the_engine_was_not_sure_is_marked_in_words_too() {
    let mut studio = Studio::open(Some(true)).await;
    let (org, call, leg) = (studio.entrance.home.org, studio.call, studio.patient.id);
    let statement = format!(
        "insert into utterance (org_id, id, call_id, leg_id, speaker, text, from_at, to_at, word_from_ms, word_to_ms, word_confidence)
         values ('{org}', gen_random_uuid(), '{call}', '{leg}', 'patient', 'ten milligrams', now(), now(), '{{0,400}}', '{{300,900}}', '{{41,97}}')"
    );
    run(&mut studio.entrance.superuser, &statement).await;
    let page = page(&studio, Role::Nurse).await;
    assert_eq!(all(&page, ".words .unsure"), ["ten (not sure)"], "and the control: milligrams is not marked");
}

#[tokio::test]
async fn what_was_heard_stays_beside_what_was_corrected() {
    let mut studio = Studio::open(Some(true)).await;
    let said = heard(&mut studio, "more feen twice a day", "en-US", 0).await;
    let (status, _) = correct(&studio, Role::Nurse, said, "0", " morphine  twice a day ").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (again, _) = correct(&studio, Role::Nurse, said, "0", "morphine twice a day").await;
    assert_eq!(again, StatusCode::SEE_OTHER, "the form sent twice");
    assert_eq!(studio.count("utterance_correction").await, 1);
    let shown = page(&studio, Role::Physician).await;
    assert_eq!(all(&shown, ".words"), ["morphine twice a day"]);
    assert_eq!(all(&shown, "details.was p"), ["Was: more feen twice a day"]);
    assert!(all(&shown, "details.was summary")[0].starts_with("Corrected by "));
    assert!(all(&shown, "details.fix").is_empty(), "a physician corrects nothing");
    // Somebody who has not seen the first correction does not overwrite it, and keeps what they typed.
    let (late, back) = correct(&studio, Role::Coordinator, said, "0", "morphine three times a day").await;
    assert_eq!(late, StatusCode::CONFLICT);
    assert_eq!(all(&back, "textarea"), ["morphine three times a day"]);
    assert!(all(&back, "q").contains(&"morphine twice a day".to_owned()), "{back}");
    let (seen, _) = correct(&studio, Role::Coordinator, said, "1", "morphine three times a day").await;
    assert_eq!(seen, StatusCode::SEE_OTHER);
    let shown = page(&studio, Role::Nurse).await;
    assert_eq!(all(&shown, ".words"), ["morphine three times a day"]);
    assert_eq!(all(&shown, "details.was p"), ["Was: morphine twice a day", "Was: more feen twice a day"]);
    assert_eq!(studio.count("audit_entry where deed = 'corrected_utterance'").await, 2);
    assert_eq!(studio.count("audit_entry where detail::text like '%morphine%'").await, 0, "and no word of it");
    // The control: what protects the words is the database.
    let changed = sqlx::query("update utterance set text = 'nothing'").execute(&mut studio.entrance.superuser).await;
    assert!(changed.unwrap_err().to_string().contains("never changed, only erased"));
    for (words, status) in [("", StatusCode::UNPROCESSABLE_ENTITY), (" \n", StatusCode::UNPROCESSABLE_ENTITY)] {
        assert_eq!(correct(&studio, Role::Nurse, said, "2", words).await.0, status);
    }
}

#[tokio::test]
async fn a_nurse_corrects_until_the_assessment_is_signed_and_a_coordinator_later_too() {
    let mut studio = Studio::open(Some(true)).await;
    let said = heard(&mut studio, "four in the night", "en-US", 0).await;
    let (status, _) = correct(&studio, Role::Nurse, said, "0", "for the night").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "the control: it is not signed yet");
    studio
        .entrance
        .run(
            "insert into assessment (org_id, id, call_id, patient_id, protocol_id, protocol_version, protocol_sha256, state, answers, facts,
                                     confirmed, evaluation, disposition, signed_by, signed_at, created_at, updated_at)
             select c.org_id, gen_random_uuid(), c.id, c.patient_id, 'dyspnea', '1.0.0', '', 'signed', '{}', '{}', '{}', '{}',
                    'self_care', m.id, now(), now(), now()
               from call c join staff_member m on m.org_id = c.org_id and m.role = 'nurse'
              where c.org_id = $1",
        )
        .await;
    let (nurse, back) = correct(&studio, Role::Nurse, said, "1", "four at night").await;
    assert_eq!(nurse, StatusCode::CONFLICT);
    assert!(back.contains("ask a coordinator"), "{back}");
    assert!(all(&page(&studio, Role::Nurse).await, "details.fix").is_empty());
    let (coordinator, _) = correct(&studio, Role::Coordinator, said, "1", "four at night").await;
    assert_eq!(coordinator, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn words_are_found_in_their_own_language_as_they_stand_now() {
    let mut studio = Studio::open(Some(true)).await;
    let first = heard(&mut studio, "The coughing kept me awake", "en-US", 1).await;
    let _second = heard(&mut studio, "Me duelen los huesos", "es-US", 2).await;
    let across = studio.entrance.other_team().await;
    let statement = format!(
        "insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, created_at)
         values ('{0}', '{1}', '{1}', 'patient', 1, '', '', 'bound', now());
         insert into leg (org_id, id, call_id, attempt_id, party, sid, joined_at)
         values ('{0}', '{1}', '{1}', '{1}', 'patient', 'CA9', now());
         insert into utterance (org_id, id, call_id, leg_id, speaker, text, from_at, to_at)
         values ('{0}', gen_random_uuid(), '{1}', '{1}', 'patient', 'Somebody else is coughing', now(), now())",
        across.org, across.call
    );
    run(&mut studio.entrance.superuser, &statement).await;
    assert_eq!(
        found(&studio, "cough").await,
        ["The coughing kept me awake"],
        "in any form of the word, of this patient alone"
    );
    assert_eq!(found(&studio, "hueso dolor").await, Vec::<String>::new());
    assert_eq!(found(&studio, "hueso").await, ["Me duelen los huesos"]);
    assert_eq!(correct(&studio, Role::Nurse, first, "0", "The coffee kept me awake").await.0, StatusCode::SEE_OTHER);
    assert_eq!(found(&studio, "coffee").await, ["The coffee kept me awake"]);
    assert_eq!(found(&studio, "cough").await, Vec::<String>::new(), "what was corrected is not found any more");
    assert_eq!(found(&studio, "the").await, Vec::<String>::new());
    assert_eq!(studio.count("audit_entry where deed = 'searched_transcripts'").await, 6);
    assert_eq!(studio.count("audit_entry where detail::text like '%cough%'").await, 0);
    let closed = format!("/patients/{}/words", across.patient);
    assert_eq!(studio.entrance.post(Role::Nurse, &closed, &[("words", "cough")]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn words_are_erased_when_their_days_are_over_unless_somebody_holds_the_call() {
    let mut studio = Studio::open(Some(true)).await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.say("Six right now").await;
    hers.silent_until(6_000).await;
    hers.stop().await;
    studio.hang_up().await;
    let old = heard(&mut studio, "Forty days ago", "en-US", 40).await;
    assert_eq!(correct(&studio, Role::Nurse, old, "0", "Fourty days ago").await.0, StatusCode::SEE_OTHER);
    calendar::go(&studio.entrance.app, Round::Erase).await;
    assert_eq!(
        studio.count("utterance where erased_at is not null").await,
        0,
        "without a rule words stay as long as the record"
    );
    let path = "/settings/live-calls/transcripts";
    for days in ["0", "ten", "3651"] {
        let refused = studio.entrance.post(Role::Admin, path, &[("days", days)]).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{days}");
    }
    assert_eq!(studio.entrance.post(Role::Admin, path, &[("days", "30")]).await.status(), StatusCode::SEE_OTHER);
    let hold = format!("{}/hold", studio.path());
    let held = studio.entrance.post(Role::Coordinator, &hold, &[("why", "a complaint")]).await;
    assert_eq!(held.status(), StatusCode::SEE_OTHER);
    calendar::go(&studio.entrance.app, Round::Erase).await;
    assert_eq!(studio.count("utterance where erased_at is not null").await, 0, "the control: held, they stay");
    let release = format!("{}/release", studio.path());
    assert_eq!(studio.entrance.post(Role::Coordinator, &release, &[]).await.status(), StatusCode::SEE_OTHER);
    calendar::go(&studio.entrance.app, Round::Erase).await;
    erase::erase(&studio.entrance.app, &Actor::careline(OrgId(studio.entrance.home.org))).await.unwrap();
    assert_eq!(studio.count("utterance where text <> '' or word_from_ms is not null or erased_at is null").await, 0);
    assert_eq!(studio.count("utterance_correction where text <> '' or erased_at is null").await, 0);
    assert_eq!(studio.count("audit_entry where deed = 'erased_transcript'").await, 1);
    let utterances =
        text(&mut studio, "select detail ->> 'utterances' from audit_entry where deed = 'erased_transcript'").await;
    assert_eq!(utterances, "2");
    let shown = page(&studio, Role::Nurse).await;
    assert!(shown.contains("What was said here was erased"), "{shown}");
    assert!(all(&shown, ".words").is_empty());
    assert_eq!(found(&studio, "days").await, Vec::<String>::new());
    let (status, back) = correct(&studio, Role::Coordinator, old, "1", "Forty").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(back.contains("are erased"), "{back}");
    assert_eq!(studio.entrance.post(Role::Admin, path, &[("days", "")]).await.status(), StatusCode::SEE_OTHER);
    let settings = studio.entrance.get(Role::Admin, "/settings/live-calls").await.text().await.unwrap();
    assert!(settings.contains("id=\"transcript-days\" name=\"days\" value=\"\""), "{settings}");
}
