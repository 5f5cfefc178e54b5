//! What the nurse sees while somebody talks: red flags first, quoted guidance, a signature with its clock.

use crate::support::ward::{Ward, dyspnea};
use careline::demo::{nurse::Nurse, page::Page};
use std::time::Duration;

async fn bridged() -> (Ward, Nurse, String) {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Marlow").await;
    ward.until_state(&call, "bridged").await;
    (ward, maya, call)
}

/// Answers questions as the page's own form would.
async fn answer(maya: &Nurse, call: &str, answers: &[(&str, &str)]) -> Page {
    let page = maya.open(call).await.unwrap();
    let mut form = page.form("/answers").unwrap_or_else(|| panic!("no protocol form on:\n{}", page.html));
    for (question, value) in answers {
        form = form.with(&format!("a.{question}"), value);
    }
    let saved = maya.post(&form.action, &form.fields).await.unwrap();
    assert_eq!(saved.status, 200, "{}", saved.text());
    maya.open(call).await.unwrap()
}

async fn ask(maya: &Nurse, call: &str, question: &str) -> Page {
    let page = maya.open(call).await.unwrap();
    let form = page.form("/ask").unwrap_or_else(|| panic!("no ask box on:\n{}", page.html)).with("question", question);
    let reply = maya.post(&form.action, &form.fields).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    maya.open(call).await.unwrap()
}

#[tokio::test]
async fn a_red_flag_ends_the_questions_and_shows_the_script() {
    let (_ward, maya, call) = bridged().await;
    let before = maya.open(&call).await.unwrap();
    assert!(!before.text().contains("Red flag: stop asking and act"));
    let page = answer(&maya, &call, &[("chest_pain", "yes")]).await;
    let text = page.text();
    assert!(text.contains("Red flag: stop asking and act") && text.contains("911"), "{text}");
    assert!(text.contains("Emergency services now"), "{text}");
    assert!(page.html.contains("data-flow=\"ended\""), "the rest of the questions is put away");
}

#[tokio::test]
async fn a_red_flag_that_was_not_asked_holds_the_floor() {
    let (_ward, maya, call) = bridged().await;
    let page = answer(&maya, &call, &[("sob_now", "1"), ("sob_usual", "1")]).await;
    let text = page.text();
    assert!(text.contains("Clinician within 1 hour"), "{text}");
    assert!(text.contains("red flag, not asked"), "it says which: {text}");
    let form = page.form("/answers").unwrap().with("disposition", "self_care").with("override_reason", "she is fine");
    let refused = maya.post(&format!("{call}/sign"), &form.fields).await.unwrap();
    assert!(refused.status >= 400, "nobody signs below the floor: {}", refused.text());
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_said_at_its_question_and_nothing_is_lost() {
    let (_ward, maya, call) = bridged().await;
    let page = maya.open(&call).await.unwrap();
    let form = page.form("/answers").unwrap().with("a.spo2", "940").with("agreed_plan", "ring again tonight");
    let refused = maya.post(&form.action, &form.fields).await.unwrap();
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.html.contains("fault-spo2"), "{}", refused.text());
    assert!(
        refused.html.contains("940") && refused.html.contains("ring again tonight"),
        "what was typed is still there"
    );
}

#[tokio::test]
async fn with_the_model_away_the_passages_are_shown_all_the_same() {
    let (ward, maya, call) = bridged().await;
    ward.model(r#"{"mode": "error500"}"#).await;
    let page = ask(&maya, &call, "Does moving air from a fan ease breathlessness?").await;
    let text = page.text();
    assert!(text.contains("A small fan that blows cool air"), "{text}");
}

#[tokio::test]
async fn a_hostile_model_puts_nothing_on_the_screen_that_is_not_in_the_protocol() {
    let (ward, maya, call) = bridged().await;
    ward.model(r#"{"mode": "hostile"}"#).await;
    let guidance: String = dyspnea()["guidance.md"].split_whitespace().collect::<Vec<_>>().join(" ");
    for question in [
        "Does moving air from a fan ease breathlessness?",
        "How should the patient sit?",
        "When should I worry about the oximeter?",
        "What can the family do?",
    ] {
        ask(&maya, &call, question).await;
    }
    let page = maya.open(&call).await.unwrap();
    let quoted: Vec<String> = quoted(&page.html);
    assert!(!quoted.is_empty(), "something is shown: {}", page.text());
    for words in quoted {
        assert!(guidance.contains(&words), "{words:?} is not in the protocol");
    }
    for attack in ["http://", "https://", "<script", "](", "1-800"] {
        assert!(!page.text().contains(attack), "{attack} is on the screen");
    }
}

#[tokio::test]
async fn every_word_is_on_the_screen_while_it_is_spoken() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Delgado").await;
    let mut live = maya.listen(&format!("{call}/live")).await.unwrap();
    let mut interim = Vec::new();
    loop {
        let event = live.next(Duration::from_secs(30)).await.unwrap();
        if event["event"] == "interim" && event["speaker"] == "patient" {
            interim.push(event["text"].as_str().unwrap().to_owned());
        }
        if event["event"] == "utterance" && event["speaker"] == "patient" {
            let words = event["text"].as_str().unwrap();
            assert!(words.contains("Six out of ten"), "{words}");
            assert!(
                interim.len() > 3 && interim.iter().all(|so_far| words.starts_with(so_far.as_str())),
                "{interim:?}"
            );
            break;
        }
    }
}

/// What stands in quotation marks or as a passage on a page.
fn quoted(html: &str) -> Vec<String> {
    let between = |open: &str, close: &str| -> Vec<String> {
        html.split(open).skip(1).filter_map(|rest| rest.split(close).next()).map(str::to_owned).collect()
    };
    let plain = |text: String| {
        let text = text.replace("&#39;", "'").replace("&#34;", "\"").replace("&quot;", "\"").replace("&amp;", "&");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let passages = between("<blockquote>", "</blockquote>").into_iter().filter(|text| !text.contains('<'));
    between("<q>", "</q>").into_iter().chain(passages).map(plain).collect()
}
