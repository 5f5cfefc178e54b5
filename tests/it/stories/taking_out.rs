//! The whole record leaves the house on the web: with a second person, a fresh proof, once, and whole.

use crate::support::entrance::Entrance;
use careline::{
    domain::{
        audit::{Deed, DeedKind},
        ids::OrgId,
        people::{Actor, Role, Who},
    },
    flows::{chain_record::chain, keep_checkpoints::keep},
    store::audit,
};
use reqwest::Response;
use sqlx::PgConnection;
use std::{fs, path::Path, process::Command, time::Duration};
use uuid::Uuid;

/// More than two pages of links.
const DEEDS: usize = 4_100;

/// Records so many deeds in one transaction, chains them and signs the end of the chain.
async fn fill(entrance: &mut Entrance) -> i64 {
    let operator = Actor { org: OrgId(entrance.home.org), who: Who::Operator };
    let mut tx = entrance.app.db.begin(&operator).await.unwrap();
    for number in 0..DEEDS {
        let deed = Deed::of(DeedKind::OpenedWorklist).with("number", number);
        let _receipt = audit::record(&mut tx, &operator, &deed, entrance.app.clock.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    for _ in 0..600 {
        chain(&entrance.app, &operator).await.unwrap();
        let chained: i64 = sqlx::query_scalar("select count(*) from audit_chain where org_id = $1")
            .bind(entrance.home.org)
            .fetch_one(&mut entrance.superuser)
            .await
            .unwrap();
        if usize::try_from(chained).unwrap() >= DEEDS {
            keep(&entrance.app, &operator).await.unwrap();
            return chained;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a transaction elsewhere held the sequencer back for too long");
}

async fn ask_and_find(entrance: &mut Entrance, role: Role) -> String {
    assert_eq!(entrance.post(role, "/approvals", &[]).await.status(), 303);
    let newest = "select id from approval where org_id = $1 and state = 'open' order by asked_at desc limit 1";
    let id: Uuid = sqlx::query_scalar(newest).bind(entrance.home.org).fetch_one(&mut entrance.superuser).await.unwrap();
    format!("/approvals/{id}")
}

async fn export(entrance: &Entrance, role: Role) -> Response {
    entrance.post(role, "/record/export", &[]).await
}

/// Everything that was handed out, in whole organizations' records.
async fn exports(superuser: &mut PgConnection) -> i64 {
    let deeds = "select count(*) from audit_entry where deed = 'exported_record' and subject is not null";
    sqlx::query_scalar(deeds).fetch_one(superuser).await.unwrap()
}

fn verified(file: &Path) -> (i32, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/verify-record.py");
    let output = Command::new("python3").arg(script).arg(file).output().expect("python3 is here; bin/test installs it");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn the_record_is_downloaded_once_with_a_second_person_and_verifies_elsewhere() {
    let mut entrance = Entrance::open().await;
    let chained = fill(&mut entrance).await;
    let page = entrance.get(Role::Admin, "/record").await.text().await.unwrap();
    assert!(page.contains("Whom to ask: Auditor Example."), "whoever is alone reads whom to ask");
    assert_eq!(export(&entrance, Role::Admin).await.status(), 409, "not alone");
    let asked = ask_and_find(&mut entrance, Role::Admin).await;
    let own = entrance.post(Role::Admin, &asked, &[("answer", "approved")]).await;
    assert_eq!(own.status(), 403, "the control: nobody approves their own wish");
    assert_eq!(export(&entrance, Role::Admin).await.status(), 409, "and it is not granted by it");
    let page = entrance.get(Role::Admin, "/record").await.text().await.unwrap();
    assert!(page.contains("It waits for one of: Auditor Example."));
    assert_eq!(entrance.post(Role::Auditor, &asked, &[("answer", "approved")]).await.status(), 303);
    assert_eq!(export(&entrance, Role::Auditor).await.status(), 409, "it is the admin's, not the auditor's");
    entrance.run("update session set proven_at = now() - interval '1 hour' where org_id = $1").await;
    let stale = export(&entrance, Role::Admin).await;
    assert_eq!((stale.status().as_u16(), stale.headers()["location"].to_str().unwrap()), (303, "/prove"));
    entrance.run("update session set proven_at = now() where org_id = $1").await;
    assert_eq!(exports(&mut entrance.superuser).await, 0, "nothing left the house so far");
    let taken = export(&entrance, Role::Admin).await;
    assert_eq!(taken.status(), 200);
    assert!(taken.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"record-"));
    let text = taken.text().await.unwrap();
    assert_eq!(export(&entrance, Role::Admin).await.status(), 409, "once");
    assert_eq!(exports(&mut entrance.superuser).await, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.jsonl");
    fs::write(&file, &text).unwrap();
    let (code, says) = verified(&file);
    assert_eq!(code, 0, "{says}");
    assert!(says.contains(&format!("{chained} entries, 1 signed checkpoints")), "{says}");
    let (body, _last) = text.trim_end().rsplit_once('\n').unwrap();
    for (altered, expected) in [
        (body.to_owned(), 10),
        (format!("{text}{{}}\n"), 10),
        (text.replace("\"number\":\"77\"", "\"number\":\"78\""), 11),
        (text.replacen("previous ", "previous A", 1), 13),
    ] {
        fs::write(&file, altered).unwrap();
        let (code, says) = verified(&file);
        assert_eq!(code, expected, "the control: {says}");
    }
}

#[tokio::test]
async fn an_approval_that_was_not_used_in_a_day_lapses_and_may_be_asked_for_again() {
    let mut entrance = Entrance::open().await;
    let asked = ask_and_find(&mut entrance, Role::Auditor).await;
    assert_eq!(entrance.post(Role::Admin, &asked, &[("answer", "approved")]).await.status(), 303);
    assert_eq!(entrance.post(Role::Auditor, "/approvals", &[]).await.status(), 409, "one is granted already");
    entrance.run("update approval set settled_at = now() - interval '25 hours' where org_id = $1").await;
    assert_eq!(export(&entrance, Role::Auditor).await.status(), 409);
    let again = ask_and_find(&mut entrance, Role::Auditor).await;
    assert_eq!(entrance.post(Role::Admin, &again, &[("answer", "approved")]).await.status(), 303);
    assert_eq!(export(&entrance, Role::Auditor).await.status(), 200);
}
