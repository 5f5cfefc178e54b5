//! After a call: a draft of what was said waits beside the assessment, each item with its words; a nurse decides about each and
//! signs. Nothing of it is in the record before that.

use crate::support::{conversation::TALK, entrance::Entrance, ward::Ward, wiring::NO_LINE};
use careline::{
    adapters::openai::{OpenAi, Settings as ModelSettings},
    app::{App, Guide},
    demo::page::Page,
    domain::{
        ids::{CallId, ItemId},
        people::Role,
        private::Private,
        summary::{FoundBy, Stance},
    },
    error::Error,
    flows::{
        keep_credentials::{self, CredentialKind},
        open_call::{self, Draft},
        settle_summary::{Decided, decide, sign},
    },
    simulator::model::{Mode, ModelState, router},
};
use reqwest::StatusCode;
use std::{sync::Arc, time::Duration};

async fn drafted() -> Entrance {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    entrance.speak(&TALK).await;
    entrance.end_and_draft().await;
    entrance
}

async fn read(entrance: &mut Entrance) -> Draft {
    let nurse = entrance.staff(Role::Nurse).await;
    let page = open_call::open(&entrance.app, &nurse, CallId(entrance.home.call)).await.unwrap();
    page.summary.expect("there is a draft")
}

async fn page(entrance: &Entrance, role: Role) -> Page {
    let path = format!("/calls/{}", entrance.home.call);
    let reply = entrance.get(role, &path).await;
    Page { status: reply.status().as_u16(), at: path, html: reply.text().await.unwrap() }
}

async fn post(entrance: &Entrance, role: Role, rest: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
    let reply = entrance.post(role, &format!("/calls/{}/summary/{rest}", entrance.home.call), form).await;
    (reply.status(), reply.text().await.unwrap())
}

#[tokio::test]
async fn what_was_said_is_drafted_once_decided_item_by_item_and_signed() {
    let mut entrance = drafted().await;
    entrance.draft().await;
    assert_eq!(entrance.value("select count(*) from summary_draft where org_id = $1").await, "1", "the job ran twice");
    let draft = read(&mut entrance).await;
    let labels: Vec<String> = draft.items.iter().map(|item| item.item.label()).collect();
    insta::assert_snapshot!(labels.join("\n"), @r"
    Breathlessness: 6 of 10
    Breathlessness: 3 of 10, before
    Chest pain: not there
    Morphine
    Worry
    Fever or chills: not there
    Promised
    ");
    let shown = page(&entrance, Role::Nurse).await;
    assert!(shown.text().contains("Draft, not in the record"), "{}", shown.text());
    assert!(shown.html.contains("I will ring you tomorrow at nine"), "each item stands with its words");
    let items: Vec<ItemId> = draft.items.iter().map(|item| item.id).collect();
    for (place, item) in items.iter().enumerate() {
        let form = match place {
            0 => vec![("decided", "edited"), ("words", "Breathlessness 6/10 at rest")],
            1 => vec![("decided", "dropped")],
            _ => vec![("decided", "accepted")],
        };
        assert_eq!(post(&entrance, Role::Nurse, &format!("items/{item}"), &form).await.0, StatusCode::SEE_OTHER);
        // The same form twice is one decision.
        post(&entrance, Role::Nurse, &format!("items/{item}"), &form).await;
    }
    let decisions = entrance.value("select count(*) from summary_decision where org_id = $1").await;
    assert_eq!(decisions, items.len().to_string());
    assert_eq!(post(&entrance, Role::Nurse, "sign", &[("seen", &decisions)]).await.0, StatusCode::SEE_OTHER);
    let signed = page(&entrance, Role::Coordinator).await.text();
    assert!(signed.contains("Signed by Nurse Example") && signed.contains("Breathlessness 6/10 at rest"), "{signed}");
    assert!(!signed.contains("before") || !signed.contains("3 of 10"), "what was dropped is not in it");
    let (status, again) = post(&entrance, Role::Nurse, &format!("items/{}", items[0]), &[("decided", "dropped")]).await;
    assert_eq!(status, StatusCode::CONFLICT, "{again}");
    for deed in ["drafted_summary", "decided_item", "signed_summary"] {
        let count =
            entrance.value(&format!("select count(*) from audit_entry where org_id = $1 and deed = '{deed}'")).await;
        let expected = if deed == "decided_item" { items.len() } else { 1 };
        assert_eq!(count, expected.to_string(), "{deed}");
    }
}

#[tokio::test]
async fn nothing_is_signed_while_an_item_is_open_or_somebody_else_has_decided_since() {
    let mut entrance = drafted().await;
    let (nurse, physician) = (entrance.staff(Role::Nurse).await, entrance.staff(Role::Physician).await);
    let call = CallId(entrance.home.call);
    let draft = read(&mut entrance).await;
    let refused = sign(&entrance.app, &nurse, call, 0).await;
    assert!(matches!(&refused, Err(Error::Invalid(text)) if text.contains("still open")), "{refused:?}");
    for item in &draft.items {
        decide(&entrance.app, &nurse, call, item.id, &Decided::Accepted).await.unwrap();
    }
    let seen = read(&mut entrance).await.decisions;
    decide(&entrance.app, &physician, call, draft.items[0].id, &Decided::Dropped).await.unwrap();
    assert!(matches!(sign(&entrance.app, &nurse, call, seen).await, Err(Error::Conflict(_))));
    sign(&entrance.app, &nurse, call, seen + 1).await.unwrap();
    for role in [Role::Coordinator, Role::Admin, Role::Auditor] {
        let other = entrance.staff(role).await;
        let refused = decide(&entrance.app, &other, call, draft.items[0].id, &Decided::Dropped).await;
        assert!(matches!(refused, Err(Error::Forbidden)), "{role:?}");
    }
}

#[tokio::test]
async fn an_assessment_never_waits_for_the_summary_and_a_call_without_words_has_none() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    entrance.end_and_draft().await;
    assert_eq!(entrance.value("select count(*) from summary_draft where org_id = $1").await, "0");
    let shown = page(&entrance, Role::Nurse).await;
    assert!(!shown.html.contains("id=\"summary\""), "nothing is promised that does not come");
    assert!(shown.html.contains("Sign the assessment"), "the assessment is there to be signed");
}

#[tokio::test]
async fn a_draft_waits_for_audio_that_still_becomes_words() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    entrance.speak(&TALK).await;
    entrance
        .run(
            "insert into media_stream (org_id, id, call_id, leg_id, token_hash, opened_at, started_at)
             select org_id, id, call_id, id, '\\x00', now(), now() from leg where org_id = $1",
        )
        .await;
    entrance.end_and_draft().await;
    let drafts = "select count(*) from summary_draft where org_id = $1";
    assert_eq!(entrance.value(drafts).await, "0");
    let waiting = "select count(*) from job where org_id = $1 and body ->> 'kind' = 'draft_summary'";
    assert_eq!(entrance.value(waiting).await, "1", "it looks again");
    entrance.run("update media_stream set ended_at = now() where org_id = $1").await;
    entrance.draft().await;
    assert_eq!(entrance.value(drafts).await, "1");
}

#[tokio::test]
async fn erased_words_take_their_quotations_along_and_what_was_signed_stays() {
    let mut entrance = drafted().await;
    let (nurse, call) = (entrance.staff(Role::Nurse).await, CallId(entrance.home.call));
    let draft = read(&mut entrance).await;
    decide(&entrance.app, &nurse, call, draft.items[0].id, &Decided::Edited("six".into())).await.unwrap();
    entrance.run("update utterance set text = '', word_from_ms = null, word_to_ms = null, word_confidence = null, erased_at = now() where org_id = $1 and speaker = 'patient'").await;
    let left = read(&mut entrance).await;
    assert!(left.items.len() < draft.items.len() && !left.items.is_empty(), "only what the others said is left");
    let kept = "select count(*) from summary_source where org_id = $1 and speaker = 'patient'";
    assert_eq!(entrance.value(kept).await, "0");
    assert_eq!(entrance.value("select count(*) from summary_decision where org_id = $1").await, "0");
}

#[tokio::test]
async fn no_word_of_a_draft_is_in_the_record_of_deeds() {
    let mut entrance = drafted().await;
    let details = entrance.value("select string_agg(detail::text, ' ') from audit_entry where org_id = $1").await;
    for word in ["morphine", "worried", "breath", "chest"] {
        assert!(!details.contains(word), "{word} in {details}");
    }
    assert!(details.contains("sha256"), "the control: the details of the draft are there");
}

#[tokio::test]
async fn a_real_call_ends_with_its_draft() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "patient", "Six out of ten right now").await;
    ward.until_heard(&call, "nurse", "is there any chest pain").await;
    let page = maya.open(&call).await.unwrap();
    let form = page.form(&format!("{call}/hang-up")).expect("the nurse can end it");
    maya.send(&page, &form).await.unwrap();
    ward.until_state(&call, "done").await;
    ward.let_pass(Duration::from_secs(5)).await;
    // Audio that has not ended by then is not waited for any longer.
    ward.let_pass(Duration::from_secs(130)).await;
    let page =
        ward.until_page(&maya, &call, "the draft", |page| page.text().contains("Draft, not in the record")).await;
    assert!(page.text().contains("6 of 10"), "{}", page.text());
}

/// A ward whose patient has said more than the rules know, with the town's model behind the production adapter.
async fn with_model(mode: Mode, account: Account) -> (Entrance, ModelState) {
    let model = ModelState::new("town-key");
    model.set_mode(mode);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let town = router(model.clone());
    tokio::spawn(async move { axum::serve(listener, town).await.unwrap() });
    let adapter = || {
        OpenAi::new(ModelSettings {
            base_url: base_url.clone(),
            key: "town-key".into(),
            chat_model: "town-guide-1".into(),
            embedding_model: "town-stems-256".into(),
        })
        .unwrap()
    };
    let guide = Guide::Generated { llm: Arc::new(adapter()), embeddings: Arc::new(adapter()) };
    let mut entrance = Entrance::open_with(&NO_LINE, |app| App { guide, ..app }).await;
    entrance.bridge_with_protocol().await;
    if account == Account::Own {
        let (admin, key) = (entrance.staff(Role::Admin).await, Private::new("town-key".to_owned()));
        keep_credentials::set(&entrance.app, &admin, CredentialKind::ModelApi, &key).await.unwrap();
    }
    let mut talk = TALK.to_vec();
    talk.push(('p', "I just wish that somebody sat with Margaret Ellis in the evenings."));
    talk.push(('p', "I hope the nights get better."));
    entrance.speak(&talk).await;
    entrance.end_and_draft().await;
    (entrance, model)
}

/// Under whose account a model is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Account {
    Own,
    OfWhoeverRunsCareline,
}

fn labels(draft: &Draft) -> Vec<String> {
    draft.items.iter().map(|item| item.item.label()).collect()
}

#[tokio::test]
async fn a_model_may_point_at_words_and_is_given_no_names() {
    let (mut entrance, model) = with_model(Mode::WellBehaved, Account::OfWhoeverRunsCareline).await;
    let draft = read(&mut entrance).await;
    assert!(draft.items.iter().all(|item| item.item.by == FoundBy::Rules), "{:?}", labels(&draft));
    assert_eq!(model.report().chats, 0, "no conversation leaves under an account that is not the organization's");
    let (mut entrance, model) = with_model(Mode::WellBehaved, Account::Own).await;
    let draft = read(&mut entrance).await;
    let by_model: Vec<_> = draft.items.iter().filter(|item| item.item.by == FoundBy::Model).collect();
    let words: Vec<&str> = by_model.iter().map(|item| item.item.sources[0].words.reveal().as_str()).collect();
    assert_eq!(words, ["I hope the nights get better"], "{:?}", labels(&draft));
    assert_eq!(draft.evidence.withheld.len(), 1, "what it points at with a name taken out does not stand there");
    let prompts = model.report().prompts.join("\n");
    assert!(prompts.contains("wish that somebody") && !prompts.contains("Ellis"), "{prompts}");
    assert_eq!(draft.evidence.model.as_deref(), Some("town-guide-1"));
}

#[tokio::test]
async fn a_hostile_or_absent_model_adds_nothing_that_nobody_said_and_takes_nothing_away() {
    let mut entrance = drafted().await;
    let by_rules = labels(&read(&mut entrance).await);
    for mode in [Mode::Hostile, Mode::Error500, Mode::Garbage] {
        let (mut entrance, _model) = with_model(mode, Account::Own).await;
        let draft = read(&mut entrance).await;
        let found = labels(&draft);
        assert!(by_rules.iter().all(|label| found.contains(label)), "{mode:?}: {found:?}");
        for item in &draft.items {
            let denied = item.item.sources.iter().any(|source| source.words.reveal().contains("no fever"));
            assert!(!denied || item.item.stance == Stance::Absent, "{mode:?}: {}", item.item.label());
            assert!(item.item.score.is_none() || item.item.by == FoundBy::Rules, "{mode:?}: a number of a model");
        }
        let chest = draft.items.iter().filter(|item| item.item.code == "chest_pain");
        assert!(chest.clone().all(|item| item.item.stance == Stance::Absent), "{mode:?}: {found:?}");
        if mode == Mode::Hostile {
            assert!(draft.evidence.withheld.len() > 10, "the control: it lied, and was caught");
        } else {
            assert!(draft.evidence.outage.is_some(), "{mode:?}: what kept it away is kept");
        }
    }
}
