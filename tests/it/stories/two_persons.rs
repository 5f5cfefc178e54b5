//! What takes two persons: a further admin, an export of the record, a protocol that guides care.

use crate::support::{
    office::{Office, PASSWORD},
    protocol::{dyspnea_files, with},
};
use careline::{
    domain::{
        approval::Right,
        ids::ApprovalId,
        people::{Actor, Role},
    },
    error::Error,
    flows::{
        add_staff::{self, Duty, NewStaff},
        approvals::{Answer, ApprovalState, answer, ask_for_admin, ask_for_export, list},
        import_protocol::{Added, Use, import},
        look_after_staff::{Change, change},
        use_protocol::{self, activate, submit},
    },
};
use sqlx::Connection;

async fn staff(office: &Office, operator: &Actor, role: Role, name: &str) -> Actor {
    let new = NewStaff {
        email: format!("{name}@example.org"),
        full_name: name.into(),
        role,
        password: PASSWORD.to_owned().into(),
        phone: String::new(),
        duty: Duty::Off,
        team: String::new(),
    };
    Actor::staff(operator.org, add_staff::add(&office.app, operator, new).await.unwrap(), role)
}

fn id_of(actor: &Actor) -> careline::domain::ids::StaffId {
    actor.staff_id().unwrap()
}

#[tokio::test]
async fn it_takes_a_second_admin_to_make_a_third() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let (ada, ben) =
        (staff(&office, &operator, Role::Admin, "ada").await, staff(&office, &operator, Role::Admin, "ben").await);
    let nurse = staff(&office, &operator, Role::Nurse, "nora").await;
    let app = &office.app;
    let alone = NewStaff {
        email: "eve@example.org".into(),
        full_name: "Eve".into(),
        role: Role::Admin,
        password: PASSWORD.to_owned().into(),
        phone: String::new(),
        duty: Duty::Off,
        team: String::new(),
    };
    assert!(
        matches!(add_staff::add(app, &ada, alone).await, Err(Error::Invalid(_))),
        "not alone by another door either"
    );
    let asked = ask_for_admin(app, &ada, id_of(&nurse)).await.unwrap();
    assert!(matches!(ask_for_admin(app, &ben, id_of(&nurse)).await, Err(Error::Conflict(_))), "it waits already");
    for stranger in [&ada, &nurse] {
        assert!(matches!(answer(app, stranger, asked, Answer::Approved).await, Err(Error::Forbidden)));
    }
    assert!(list(app, &ben).await.unwrap()[0].waits_for_me && !list(app, &ada).await.unwrap()[0].waits_for_me);
    assert_eq!(answer(app, &ben, asked, Answer::Approved).await.unwrap(), ApprovalState::Used);
    assert!(matches!(answer(app, &ben, asked, Answer::Approved).await, Err(Error::Conflict(_))));
    let house = careline::flows::look_after_staff::list(app, &ada).await.unwrap();
    let member = house.members.iter().find(|member| member.id == id_of(&nurse)).unwrap();
    assert_eq!((member.role, member.teams.len()), (Role::Admin, 0), "and serves in no care team any more");
}

#[tokio::test]
async fn the_database_itself_takes_no_signature_of_whoever_asked() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let ada = staff(&office, &operator, Role::Admin, "ada").await;
    let otto = staff(&office, &operator, Role::Auditor, "otto").await;
    let asked: ApprovalId = ask_for_export(&office.app, &ada).await.unwrap();
    let mut application = sqlx::PgConnection::connect(&office.database.url).await.unwrap();
    let org = operator.org.to_string();
    sqlx::query("select set_config('app.org', $1, false)").bind(&org).execute(&mut application).await.unwrap();
    let sign = "insert into approval_signature (org_id, approval_id, asked_by, sha256, signed_by, answer, at)
                select org_id, id, $3, sha256, $2, 'approved', now() from approval where id = $1";
    for (signer, said_to_have_asked, passes) in
        [(id_of(&ada), id_of(&ada), false), (id_of(&ada), id_of(&otto), false), (id_of(&otto), id_of(&ada), true)]
    {
        let signed =
            sqlx::query(sign).bind(asked.0).bind(signer.0).bind(said_to_have_asked.0).execute(&mut application).await;
        assert_eq!(signed.is_ok(), passes, "signed by {signer}, asked by {said_to_have_asked}");
    }
}

#[tokio::test]
async fn a_protocol_is_used_when_two_clinical_leads_have_signed_exactly_its_content() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let app = &office.app;
    let admin = staff(&office, &operator, Role::Admin, "ada").await;
    let (nora, phil) = (
        staff(&office, &operator, Role::Nurse, "nora").await,
        staff(&office, &operator, Role::Physician, "phil").await,
    );
    let bystander = staff(&office, &operator, Role::Nurse, "bea").await;
    assert_eq!(import(app, &operator, dyspnea_files()).await.unwrap().added, Added::New(Use::InUse), "the sample");
    let newer = with("protocol.yaml", "version: 1.0.0", "version: 1.1.0");
    assert_eq!(import(app, &operator, newer).await.unwrap().added, Added::New(Use::NotInUse), "no desk replaces it");
    for lead in [&nora, &phil] {
        change(app, &admin, id_of(lead), Change::Grant(Right::ClinicalLead)).await.unwrap();
    }
    assert!(matches!(activate(app, &admin, "dyspnea", "1.1.0").await, Err(Error::Conflict(_))));
    assert!(matches!(submit(app, &nora, "dyspnea", "1.1.0").await, Err(Error::Forbidden)));
    let asked = submit(app, &admin, "dyspnea", "1.1.0").await.unwrap();
    assert!(matches!(answer(app, &bystander, asked, Answer::Approved).await, Err(Error::Forbidden)), "no lead");
    assert_eq!(answer(app, &nora, asked, Answer::Approved).await.unwrap(), ApprovalState::Open);
    assert!(matches!(answer(app, &nora, asked, Answer::Approved).await, Err(Error::Conflict(_))), "nobody signs twice");
    assert!(matches!(activate(app, &admin, "dyspnea", "1.1.0").await, Err(Error::Conflict(_))), "one is not two");
    assert_eq!(answer(app, &phil, asked, Answer::Approved).await.unwrap(), ApprovalState::Granted);
    activate(app, &admin, "dyspnea", "1.1.0").await.unwrap();
    let changed = with("protocol.yaml", "version: 1.0.0", "version: 1.2.0");
    import(app, &admin, changed).await.unwrap();
    assert!(matches!(activate(app, &admin, "dyspnea", "1.2.0").await, Err(Error::Conflict(_))), "another content");
    let versions = use_protocol::list(app, &bystander).await.unwrap();
    let told: Vec<_> =
        versions.iter().map(|one| (one.version.version.as_str(), one.version.is_in_use, one.is_signed())).collect();
    assert_eq!(told, [("1.1.0", true, true), ("1.2.0", false, false), ("1.0.0", false, false)]);
}

#[tokio::test]
async fn content_that_was_changed_behind_our_back_is_never_activated() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let app = &office.app;
    let admin = staff(&office, &operator, Role::Admin, "ada").await;
    let leads =
        [staff(&office, &operator, Role::Nurse, "nora").await, staff(&office, &operator, Role::Nurse, "nick").await];
    import(app, &admin, with("protocol.yaml", "version: 1.0.0", "version: 3.0.0")).await.unwrap();
    for lead in &leads {
        change(app, &admin, id_of(lead), Change::Grant(Right::ClinicalLead)).await.unwrap();
    }
    let asked = submit(app, &admin, "dyspnea", "3.0.0").await.unwrap();
    for lead in &leads {
        answer(app, lead, asked, Answer::Approved).await.unwrap();
    }
    let mut superuser = office.database.superuser().await;
    let tampered = "update protocol_version set sha256 = '\\x0102' where version = $1";
    sqlx::query(tampered).bind("3.0.0").execute(&mut superuser).await.unwrap();
    let refused = activate(app, &admin, "dyspnea", "3.0.0").await;
    assert!(matches!(refused, Err(Error::Fault(_) | Error::Conflict(_))), "{refused:?}");
}
