//! A nurse asks while the patient is on the line: with a model, without, with one that is broken, hostile or away.

use crate::support::{database::Database, teams::everybody_in_the_first_team, wiring};
use careline::{
    adapters::{
        key_file::KeyFile,
        openai::{OpenAi, Settings as ModelSettings},
        system_clock::SystemClock,
    },
    app::{App, Guide},
    domain::{
        guidance::{Badge, GuidanceView, Outcome},
        ids::{CallId, OrgId, StaffId},
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    flows::{
        answer_question::{answers, ask},
        keep_credentials::{self, CredentialKind},
        rewrap_secrets::rewrap,
    },
    live::LiveEvent,
    simulator::model::{Mode, ModelState, attacks::ATTACKS, router},
    vault::Vault,
};
use sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

const KEY: &str = "town-key";
const FAN: &str = "A hand-held fan that blows cool air across the face may ease the feeling of breathlessness.";

/// A ward with one call of one patient, and a model in the town.
struct Ward {
    app: App,
    nurse: Actor,
    call: CallId,
    model: ModelState,
    superuser: PgConnection,
    database: Database,
}

#[derive(Clone, Copy)]
enum With {
    Model,
    NoModel,
    DeadModel,
    /// A model that does not know the key of whoever runs Careline.
    OthersModel,
}

impl Ward {
    async fn open(with: With) -> Self {
        let database = Database::lease().await;
        let mut superuser = database.superuser().await;
        let (nurse, call) = seed(&mut superuser, "Riverside", FAN).await;
        let model = ModelState::new(KEY);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        match with {
            With::Model | With::OthersModel => {
                let town = router(model.clone());
                tokio::spawn(async move { axum::serve(listener, town).await.unwrap() });
            }
            With::NoModel | With::DeadModel => drop(listener),
        }
        let guide = match with {
            With::NoModel => Guide::Extractive,
            With::Model | With::DeadModel => generated(&base, KEY),
            With::OthersModel => generated(&base, "nobodys-key"),
        };
        let app = App { guide, ..wiring::app(&database, 4, Arc::new(SystemClock), &wiring::NO_LINE).await };
        Self { app, nurse, call, model, superuser, database }
    }

    fn keys(&self) -> &Private<String> {
        &self.database.keys
    }

    async fn ask(&self, question: &str) -> Result<GuidanceView, Error> {
        ask(&self.app, &self.nurse, self.call, Private::new(question.to_owned())).await
    }
}

fn generated(base_url: &str, key: &str) -> Guide {
    let model = || {
        OpenAi::new(ModelSettings {
            base_url: base_url.into(),
            key: key.into(),
            chat_model: "town-guide-1".into(),
            embedding_model: "town-stems-256".into(),
        })
        .unwrap()
    };
    Guide::Generated { llm: Arc::new(model()), embeddings: Arc::new(model()) }
}

/// One organization with a nurse, a patient on a call, and a protocol whose second passage says `fan`.
async fn seed(superuser: &mut PgConnection, name: &str, fan: &str) -> (Actor, CallId) {
    let (org, nurse, patient, call) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    for statement in [
        "insert into organization (org_id, name, time_zone, caller_number, created_at)
         values ($1, $5, 'America/New_York', '+12125550100', now())",
        "insert into staff_member (org_id, id, email, full_name, role, password_hash, created_at)
         values ($1, $2, 'ana@example.com', 'Ana Nurse', 'nurse', 'x', now())",
        "insert into patient (org_id, id, given_name, family_name, date_of_birth, phone, language, time_zone,
                              call_code_hash, created_at)
         values ($1, $3, 'Rosalinda', 'Featherstone', '1951-03-04', '+12125550123', 'en-US', 'America/New_York', '\\x00', now())",
        "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at, idem_key)
         values ($1, $4, $3, 'assessment', 'dyspnea', now(), 'bridged', '{}', now(), 'one')",
        "insert into protocol_version (org_id, protocol_id, version, sha256, title, status, package, in_use, imported_at)
         values ($1, 'dyspnea', '1.2.0', '\\x00', 'Breathlessness', 'draft', '{}', true, now())",
        "insert into passage (org_id, protocol_id, version, anchor, ordinal, heading, text, tags, sha256) values
         ($1, 'dyspnea', '1.2.0', 'dys-010', 1, 'Position',
          'Sitting upright can ease breathing. Do not lay a breathless person flat.', '{}', '\\x01'),
         ($1, 'dyspnea', '1.2.0', 'dys-011', 2, 'Moving air', $6, '{}', '\\x02'),
         ($1, 'dyspnea', '1.2.0', 'dys-040', 3, 'Rescue medicine',
          'Morphine 2.5 mg by mouth for breathlessness if ordered.', '{patient_specific_order_only}', '\\x03')",
    ] {
        let all_used = format!("with given as (select $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::text) {statement}");
        sqlx::query(sqlx::AssertSqlSafe(all_used))
            .bind(org)
            .bind(nurse)
            .bind(patient)
            .bind(call)
            .bind(name)
            .bind(fan)
            .execute(&mut *superuser)
            .await
            .unwrap();
    }
    everybody_in_the_first_team(superuser).await;
    (Actor::staff(OrgId(org), StaffId(nurse), Role::Nurse), CallId(call))
}

fn is_unquoted(view: &GuidanceView) -> bool {
    view.shown.statements.iter().any(|statement| {
        statement.quotes.is_empty()
            || statement.quotes.iter().any(|quote| !quote.span.contains(statement.text.trim_end_matches('.')))
    })
}

#[tokio::test]
async fn with_a_model_a_question_gets_a_quoted_answer_and_leaves_its_evidence() {
    let mut ward = Ward::open(With::Model).await;
    let mut watcher = ward.app.live.watch(ward.nurse.org, ward.call);
    let view = ward.ask("Does a fan ease the breathlessness of Rosalinda Featherstone, born 3/4/1951?").await.unwrap();
    assert_eq!(view.shown.outcome, Outcome::Quoted);
    assert_eq!(view.shown.statements[0].quotes[0].anchor, "dys-011");
    assert_eq!(view.shown.protocol.version, "1.2.0");
    assert!(view.shown.passages.iter().all(|passage| passage.badge.is_some()), "an unsigned version says so");
    assert_eq!(watcher.try_recv().unwrap(), LiveEvent::GuidanceShown);
    for prompt in ward.model.report().prompts {
        for identifier in ["Rosalinda", "Featherstone", "1951", "2.5 mg"] {
            let is_passage_embedding = identifier == "2.5 mg" && !prompt.contains("question");
            assert!(is_passage_embedding || !prompt.contains(identifier), "the model was told {identifier}");
        }
    }
    let (evidence, deeds): (serde_json::Value, i64) = sqlx::query_as(
        "select evidence, (select count(*) from audit_entry where deed = 'asked_question' and subject = guidance.id)
         from guidance",
    )
    .fetch_one(&mut ward.superuser)
    .await
    .unwrap();
    assert_eq!(deeds, 1);
    assert_eq!(evidence["way"], "generated");
    assert_eq!(evidence["search"], "hybrid");
    assert_eq!(evidence["model"], "town-guide-1");
    assert_eq!(evidence["retrieved"][0]["sha256"].as_str().unwrap().len(), 2);
    assert_eq!(evidence["prompt_sha256"].as_str().unwrap().len(), 64);
    let kept: i64 = sqlx::query_scalar("select count(*) from passage where embedding is not null")
        .fetch_one(&mut ward.superuser)
        .await
        .unwrap();
    assert_eq!(kept, 3, "vectors are computed once and kept");
}

#[tokio::test]
async fn an_organizations_own_key_opens_its_model_and_is_never_read_back() {
    let mut ward = Ward::open(With::OthersModel).await;
    let question = "Does a fan help with breathlessness?";
    assert_eq!(ward.ask(question).await.unwrap().shown.outcome, Outcome::PassagesOnly, "the control: not ours");
    let admin = StaffId(Uuid::now_v7());
    sqlx::query(
        "insert into staff_member (org_id, id, email, full_name, role, password_hash, created_at)
         values ($1, $2, 'ada@example.com', 'Ada Admin', 'admin', 'x', now())",
    )
    .bind(ward.nurse.org.0)
    .bind(admin.0)
    .execute(&mut ward.superuser)
    .await
    .unwrap();
    let admin = Actor::staff(ward.nurse.org, admin, Role::Admin);
    let (app, kind, key) = (&ward.app, CredentialKind::ModelApi, Private::new(KEY.to_owned()));
    assert!(matches!(keep_credentials::set(app, &ward.nurse, kind, &key).await, Err(Error::Forbidden)));
    keep_credentials::set(app, &admin, kind, &key).await.unwrap();
    assert_eq!(ward.ask(question).await.unwrap().shown.outcome, Outcome::Quoted, "with the organization's own");
    let kept = keep_credentials::list(app, &admin).await.unwrap();
    assert_eq!((kept.len(), kept[0].changed_by.as_str()), (1, "Ada Admin"));
    let rows = "select count(*) from integration_credential where position(convert_to($1, 'UTF8') in sealed) > 0";
    let bare: i64 = sqlx::query_scalar(rows).bind(KEY).fetch_one(&mut ward.superuser).await.unwrap();
    assert_eq!(bare, 0, "it is sealed");
    let (rotated, name) = KeyFile::rotated(ward.keys().reveal(), ward.app.clock.now()).unwrap();
    let wrapped = "select sealed_key(sealed) from integration_credential";
    let before: String = sqlx::query_scalar(wrapped).fetch_one(&mut ward.superuser).await.unwrap();
    assert_ne!(before, name);
    ward.app.vault = Vault::over(Arc::new(KeyFile::read(rotated.reveal()).unwrap()));
    assert_eq!(rewrap(&ward.app, &Actor::careline(admin.org)).await.unwrap(), 1, "a newer key takes over");
    let after: String = sqlx::query_scalar(wrapped).fetch_one(&mut ward.superuser).await.unwrap();
    assert_eq!(after, name);
    assert_eq!(ward.ask(question).await.unwrap().shown.outcome, Outcome::Quoted, "and it opens as before");
    let moved = "update integration_credential set id = gen_random_uuid()";
    sqlx::query(moved).execute(&mut ward.superuser).await.unwrap();
    let view = ward.ask(question).await.unwrap();
    assert_eq!(view.shown.outcome, Outcome::PassagesOnly, "a value moved to another row opens nothing");
    keep_credentials::remove(&ward.app, &admin, kind).await.unwrap();
    assert!(matches!(keep_credentials::remove(&ward.app, &admin, kind).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn without_a_model_the_passages_own_sentences_answer() {
    let ward = Ward::open(With::NoModel).await;
    let view = ward.ask("Does a fan help with breathlessness?").await.unwrap();
    assert_eq!(view.shown.outcome, Outcome::Quoted);
    assert_eq!(view.shown.statements[0].text, FAN);
    let order = view.shown.passages.iter().find(|passage| passage.anchor == "dys-040").unwrap();
    assert_eq!(order.badge, Some(Badge::OrderOnly));
    assert!(view.shown.statements.iter().all(|statement| !statement.text.contains("Morphine")));
    assert_eq!(ward.model.report().chats, 0);
    let page = answers(&ward.app, &ward.nurse, ward.call).await.unwrap();
    assert_eq!(page.len(), 1);
    assert!(page[0].shown == view.shown && page[0].question.reveal() == "Does a fan help with breathlessness?");
}

#[tokio::test]
async fn a_model_in_trouble_still_leaves_the_passages_on_the_screen() {
    let ward = Ward::open(With::Model).await;
    let modes = [
        Mode::Error500,
        Mode::Garbage,
        Mode::Garbage,
        Mode::Hang,
        Mode::RefuseConnection,
        Mode::Slow,
        Mode::OneByteASecond,
        Mode::Throttled,
    ];
    for mode in modes {
        ward.model.set_mode(mode);
        let asked = ward.ask("Does a fan help with breathlessness?");
        let view = tokio::time::timeout(Duration::from_secs(6), asked).await.expect("an answer in time").unwrap();
        assert_eq!(view.shown.outcome, Outcome::PassagesOnly, "{mode:?}");
        assert!(view.shown.passages.iter().any(|passage| passage.text == FAN), "{mode:?}");
        assert!(view.shown.banner.is_some() && view.shown.statements.is_empty(), "{mode:?}");
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_at_all_is_no_error() {
    let mut ward = Ward::open(With::DeadModel).await;
    let view = ward.ask("Does a fan help with breathlessness?").await.unwrap();
    assert_eq!(view.shown.outcome, Outcome::PassagesOnly);
    let outage: String =
        sqlx::query_scalar("select evidence ->> 'outage' from guidance").fetch_one(&mut ward.superuser).await.unwrap();
    assert!(outage.contains("cannot be reached"), "{outage}");
}

#[tokio::test]
async fn a_hostile_model_shows_nothing_unquoted_through_the_whole_house() {
    let mut ward = Ward::open(With::Model).await;
    ward.model.set_mode(Mode::Hostile);
    for attack in ATTACKS {
        let view = ward.ask("Does a fan help with breathlessness?").await.unwrap();
        assert!(!is_unquoted(&view), "{}", attack.name);
        assert!(!view.shown.passages.is_empty(), "{}", attack.name);
        assert_ne!(view.shown.outcome, Outcome::Refused);
    }
    let withheld: i64 =
        sqlx::query_scalar("select count(*) from guidance where jsonb_array_length(evidence -> 'rejected') > 0")
            .fetch_one(&mut ward.superuser)
            .await
            .unwrap();
    assert!(withheld > 30, "what was withheld is evidence: {withheld}");
    let changed: i64 =
        sqlx::query_scalar("select count(*) from assessment").fetch_one(&mut ward.superuser).await.unwrap();
    assert_eq!(changed, 0, "a model has no way to change anything");
}

#[tokio::test]
async fn questions_the_protocol_may_not_answer_are_refused_and_name_whom_to_ask() {
    let ward = Ward::open(With::Model).await;
    for question in ["Can I double the morphine dose?", "How long does she have left?", "Where do I renew a permit?"] {
        let view = ward.ask(question).await.unwrap();
        assert_eq!(view.shown.outcome, Outcome::Refused, "{question}");
        assert!(view.shown.whom_to_ask.is_some() && view.shown.statements.is_empty());
    }
    assert_eq!(ward.model.report().chats, 0, "no model is asked what must be refused");
}

#[tokio::test]
async fn bad_questions_and_wrong_roles_are_told_what_to_do() {
    let ward = Ward::open(With::NoModel).await;
    assert!(matches!(ward.ask("   ").await, Err(Error::Invalid(text)) if text.contains("Write a question")));
    assert!(matches!(ward.ask(&"x".repeat(501)).await, Err(Error::Invalid(text)) if text.contains("500")));
    let auditor = Actor::staff(ward.nurse.org, ward.nurse.staff_id().unwrap(), Role::Auditor);
    let asked = ask(&ward.app, &auditor, ward.call, Private::new("fan?".to_owned())).await;
    assert!(matches!(asked, Err(Error::Forbidden)));
    assert!(matches!(answers(&ward.app, &auditor, ward.call).await, Err(Error::Forbidden)));
    let nowhere = ask(&ward.app, &ward.nurse, CallId(Uuid::now_v7()), Private::new("fan?".to_owned())).await;
    assert!(matches!(nowhere, Err(Error::NotFound)));
}

#[tokio::test]
async fn another_organizations_passages_calls_and_answers_are_out_of_reach() {
    let mut ward = Ward::open(With::NoModel).await;
    let (stranger, their_call) =
        seed(&mut ward.superuser, "Lakeside", "A fan of the other house eases breathlessness.").await;
    let ours = ward.ask("Does a fan help with breathlessness?").await.unwrap();
    assert_eq!(ours.shown.statements[0].text, FAN);
    let theirs = ask(&ward.app, &stranger, their_call, Private::new("Does a fan help?".to_owned())).await.unwrap();
    assert_eq!(theirs.shown.statements[0].text, "A fan of the other house eases breathlessness.");
    let crossed = ask(&ward.app, &stranger, ward.call, Private::new("Does a fan help?".to_owned())).await;
    assert!(matches!(crossed, Err(Error::NotFound)));
    assert!(matches!(answers(&ward.app, &stranger, ward.call).await, Err(Error::NotFound)));
}
