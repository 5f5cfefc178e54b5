//! From an imported protocol to a signed assessment with its follow-up, over a real database.

use crate::support::{
    entrance::Entrance,
    protocol::{dyspnea_files, with},
};
use careline::{
    app::App,
    domain::{
        disposition::Disposition,
        ids::{CallId, OrgId, StaffId},
        people::{Actor, Role, Who},
        private::Private,
    },
    error::Error,
    flows::{
        complete_follow_up::complete,
        escalate_follow_up::{Escalated, escalate},
        import_protocol::{Added, Use, import},
        list_follow_ups::{Show, list},
        save_answers::{open, save},
        sign_assessment::{Signing, sign},
    },
};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

struct Ward {
    entrance: Entrance,
    nurse: Actor,
    call: CallId,
}

impl Ward {
    /// A ward with the sample protocol in use and a call to be assessed.
    async fn open() -> Self {
        let mut entrance = Entrance::open().await;
        let org = entrance.home.org;
        let nurse = staff(&mut entrance.superuser, org, Role::Nurse).await;
        let operator = Actor { org: OrgId(org), who: Who::Operator };
        let imported = import(&entrance.app, &operator, dyspnea_files()).await.expect("the sample imports");
        assert_eq!(imported.added, Added::New(Use::InUse));
        let call = CallId(entrance.home.call);
        Self { entrance, nurse, call }
    }

    fn app(&self) -> &App {
        &self.entrance.app
    }

    async fn answer(&self, revision: i32, answers: &[(&str, &str)]) -> Result<i32, Error> {
        let answers = answers.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        let page = save(self.app(), &self.nurse, self.call, revision, answers, Vec::new(), Vec::new()).await?;
        Ok(page.revision)
    }

    async fn count(&mut self, table: &str, column: &str, value: &str) -> i64 {
        let statement = format!("select count(*) from {table} where org_id = $1 and {column} = $2");
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .bind(self.entrance.home.org)
            .bind(value)
            .fetch_one(&mut self.entrance.superuser)
            .await
            .unwrap()
    }
}

async fn staff(superuser: &mut PgConnection, org: Uuid, role: Role) -> Actor {
    let id: Uuid = sqlx::query_scalar("select id from staff_member where org_id = $1 and role = $2")
        .bind(org)
        .bind(role.word())
        .fetch_one(superuser)
        .await
        .unwrap();
    Actor::staff(OrgId(org), StaffId(id), role)
}

fn all_well() -> Vec<(&'static str, &'static str)> {
    let no = [
        "u_unresponsive",
        "u_choking",
        "u_fighting_for_breath",
        "u_major_bleeding",
        "u_stroke_signs",
        "u_seizure",
        "u_suicidal",
        "u_emergency",
        "lips_blue",
        "chest_pain",
        "new_confusion",
        "sudden_onset",
        "face_arm_swelling",
    ];
    let rest = [("can_speak", "yes"), ("sputum", "none"), ("sob_now", "5"), ("sob_usual", "5")];
    no.into_iter().map(|id| (id, "no")).chain(rest).collect()
}

fn signing(revision: i32, disposition: Disposition) -> Signing {
    Signing { revision, disposition, override_reason: None, agreed_plan: Private::new("fan, then a visit".to_owned()) }
}

#[tokio::test]
async fn answers_become_a_signed_assessment_with_work_for_a_named_person() {
    let mut ward = Ward::open().await;
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    assert_eq!(page.outcome.disposition, Some(Disposition::Clinician1h), "nothing asked holds the floor");
    let revision = ward.answer(page.revision, &all_well()).await.unwrap();
    let signed = sign(ward.app(), &ward.nurse, ward.call, signing(revision, Disposition::SameDay)).await.unwrap();
    let list = list(ward.app(), &ward.nurse, Show::Open).await.unwrap();
    let owed = list.iter().find(|owed| owed.id == signed.follow_up).expect("the work is on the list");
    assert_eq!(owed.urgency, Disposition::SameDay);
    assert!(owed.summary.reveal().contains("fan, then a visit"));
    assert_eq!(owed.due_at.timestamp_micros(), signed.due_at.timestamp_micros());
    let after = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let signature = after.signed.expect("it is signed");
    assert_eq!(signature.disposition, Disposition::SameDay);
    assert_eq!(ward.count("audit_entry", "deed", "signed_assessment").await, 1);
    assert_eq!(ward.count("audit_entry", "deed", "saved_answers").await, 1);
    assert_eq!(ward.count("audit_entry", "deed", "opened_follow_up").await, 1);
    let waiting = ward.count("job", "unique_key", &format!("escalate:{}:0", signed.follow_up)).await;
    assert_eq!(waiting, 1, "a job watches its clock");
}

#[tokio::test]
async fn a_signed_assessment_is_final() {
    let ward = Ward::open().await;
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let revision = ward.answer(page.revision, &all_well()).await.unwrap();
    sign(ward.app(), &ward.nurse, ward.call, signing(revision, Disposition::SameDay)).await.unwrap();
    assert!(matches!(ward.answer(revision, &[("sob_now", "1")]).await, Err(Error::Conflict(_))));
    let again = sign(ward.app(), &ward.nurse, ward.call, signing(revision, Disposition::SameDay)).await;
    assert!(matches!(again, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn an_answer_that_cannot_be_names_its_question_and_loses_nothing() {
    let ward = Ward::open().await;
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let revision = ward.answer(page.revision, &[("sob_now", "4")]).await.unwrap();
    let refused = ward.answer(revision, &[("sob_now", "6"), ("spo2", "200")]).await;
    assert!(matches!(&refused, Err(Error::Invalid(text)) if text.contains("spo2") && text.contains("50 to 100")));
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let kept = page.questions.iter().find(|asked| asked.id == "sob_now").and_then(|asked| asked.answer.clone());
    assert_eq!(kept.map(|given| given.code).as_deref(), Some("4"));
    assert_eq!(page.revision, revision);
}

#[tokio::test]
async fn two_who_save_at_once_do_not_overwrite_each_other() {
    let ward = Ward::open().await;
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    ward.answer(page.revision, &[("sob_now", "4")]).await.unwrap();
    assert!(matches!(ward.answer(page.revision, &[("sob_now", "9")]).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn an_open_question_bars_the_signature() {
    let mut ward = Ward::open().await;
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let refused = sign(ward.app(), &ward.nurse, ward.call, signing(page.revision, Disposition::Clinician1h)).await;
    assert!(matches!(&refused, Err(Error::Invalid(text)) if text.contains("must be answered first")));
    assert_eq!(ward.count("audit_entry", "deed", "signed_assessment").await, 0);
}

#[tokio::test]
async fn only_nurses_and_physicians_sign() {
    let mut ward = Ward::open().await;
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let revision = ward.answer(page.revision, &all_well()).await.unwrap();
    let org = ward.entrance.home.org;
    for role in [Role::Coordinator, Role::Admin, Role::Auditor] {
        let other = staff(&mut ward.entrance.superuser, org, role).await;
        let refused = sign(ward.app(), &other, ward.call, signing(revision, Disposition::SameDay)).await;
        assert!(matches!(refused, Err(Error::Forbidden)), "{role:?}");
    }
}

#[tokio::test]
async fn another_organization_sees_neither_the_assessment_nor_the_protocol() {
    let mut ward = Ward::open().await;
    open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let stranger = staff(&mut ward.entrance.superuser, ward.entrance.other.org, Role::Nurse).await;
    assert!(matches!(open(ward.app(), &stranger, ward.call).await, Err(Error::NotFound)));
    let theirs = CallId(ward.entrance.other.call);
    assert!(matches!(open(ward.app(), &stranger, theirs).await, Err(Error::Invalid(_))), "they imported none");
}

#[tokio::test]
async fn the_same_protocol_twice_is_one_and_a_changed_one_needs_a_new_number() {
    let mut ward = Ward::open().await;
    let operator = Actor { org: OrgId(ward.entrance.home.org), who: Who::Operator };
    let again = import(ward.app(), &operator, dyspnea_files()).await.unwrap();
    assert_eq!(again.added, Added::Before);
    let changed = with("guidance.md", "Fear makes breathing faster", "Being afraid makes breathing faster");
    assert!(matches!(import(ward.app(), &operator, changed).await, Err(Error::Conflict(_))));
    let newer = with("protocol.yaml", "version: 1.0.0", "version: 1.10.0");
    assert_eq!(
        import(ward.app(), &operator, newer).await.unwrap().added,
        Added::New(Use::NotInUse),
        "it wants signatures"
    );
    let older = with("protocol.yaml", "version: 1.0.0", "version: 1.9.0");
    assert_eq!(import(ward.app(), &operator, older).await.unwrap().added, Added::New(Use::NotInUse));
    assert_eq!(ward.count("audit_entry", "deed", "imported_protocol").await, 3);
}

#[tokio::test]
async fn an_open_assessment_keeps_the_version_it_began_with() {
    let mut ward = Ward::open().await;
    let before = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let operator = Actor { org: OrgId(ward.entrance.home.org), who: Who::Operator };
    import(ward.app(), &operator, with("protocol.yaml", "version: 1.0.0", "version: 2.0.0")).await.unwrap();
    ward.entrance.run("update protocol_version set in_use = false where org_id = $1").await;
    ward.entrance.run("update protocol_version set in_use = true where org_id = $1 and version = '2.0.0'").await;
    let after = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    assert_eq!((after.protocol.version, after.id), (before.protocol.version, before.id));
}

#[tokio::test]
async fn a_package_with_a_fault_is_refused_with_file_line_and_rule() {
    let ward = Ward::open().await;
    let operator = Actor { org: OrgId(ward.entrance.home.org), who: Who::Operator };
    let broken = with("protocol.yaml", "{q: sob_now, gte: 7}", "{q: sob_now, greater_than: 7}");
    let Err(Error::Invalid(text)) = import(ward.app(), &operator, broken).await else { panic!("it must be refused") };
    assert!(text.contains("protocol.yaml, line ") && text.contains("unknown-operator"), "{text}");
    let nothing = import(ward.app(), &operator, BTreeMap::new()).await;
    assert!(matches!(&nothing, Err(Error::Invalid(text)) if text.contains("missing-file")));
    assert!(matches!(import(ward.app(), &ward.nurse, dyspnea_files()).await, Err(Error::Forbidden)));
}

#[tokio::test]
async fn overdue_work_climbs_by_itself_and_ends_in_sight() {
    let mut ward = Ward::open().await;
    let page = open(ward.app(), &ward.nurse, ward.call).await.unwrap();
    let revision = ward.answer(page.revision, &all_well()).await.unwrap();
    let signed = sign(ward.app(), &ward.nurse, ward.call, signing(revision, Disposition::SameDay)).await.unwrap();
    let careline = Actor::careline(ward.nurse.org);
    assert_eq!(escalate(ward.app(), &careline, signed.follow_up).await.unwrap(), Escalated::NotYet);
    let org = ward.entrance.home.org;
    sqlx::query("update follow_up set due_at = now() - interval '30 days' where org_id = $1 and id = $2")
        .bind(org)
        .bind(signed.follow_up.0)
        .execute(&mut ward.entrance.superuser)
        .await
        .unwrap();
    let mut owners = Vec::new();
    for expected in [Escalated::PassedOn, Escalated::PassedOn, Escalated::Stays] {
        assert_eq!(escalate(ward.app(), &careline, signed.follow_up).await.unwrap(), expected);
        let list = list(ward.app(), &ward.nurse, Show::Open).await.unwrap();
        owners.push(list.into_iter().find(|owed| owed.id == signed.follow_up).expect("still in sight").owner_name);
    }
    assert_eq!(owners, ["Coordinator Example", "Physician Example", "Physician Example"]);
    assert!(matches!(complete(ward.app(), &ward.nurse, signed.follow_up, "  ").await, Err(Error::Invalid(_))));
    complete(ward.app(), &ward.nurse, signed.follow_up, "Visited; breathing easier.").await.unwrap();
    assert_eq!(escalate(ward.app(), &careline, signed.follow_up).await.unwrap(), Escalated::DoneBefore);
    let again = complete(ward.app(), &ward.nurse, signed.follow_up, "Again.").await;
    assert!(matches!(again, Err(Error::Conflict(_))));
}
