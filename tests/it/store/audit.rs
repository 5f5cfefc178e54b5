//! Promise 5, nothing is hidden: whoever tampers with the record, even as superuser, is named by verification.

use crate::support::office::Office;
use careline::{
    domain::{
        audit::{Deed, DeedKind},
        chain::ChainFault,
        ids::PatientId,
        people::{Actor, Role},
    },
    error::Error,
    flows::{
        chain_record::chain,
        search_record::{RecordQuery, search},
        verify_record::verify,
    },
    store::audit,
};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::time::Duration;
use uuid::Uuid;

/// Records so many deeds, each in its own transaction, and chains them.
async fn record(office: &Office, actor: &Actor, deeds: usize) {
    for number in 0..deeds {
        let patient = PatientId(Uuid::from_u128(number as u128 % 3 + 1));
        let deed = Deed::of(DeedKind::OpenedChart).patient(patient).with("number", number);
        let mut tx = office.app.db.begin(actor).await.unwrap();
        let _receipt = audit::record(&mut tx, actor, &deed, office.app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    chain_all(office, actor).await;
}

/// Other tests' transactions run in the same server and hold the sequencer back for a moment.
async fn chain_all(office: &Office, actor: &Actor) {
    let mut superuser = office.database.superuser().await;
    for _ in 0..600 {
        chain(&office.app, actor).await.unwrap();
        let loose: i64 = sqlx::query_scalar(
            "select count(*) from audit_entry e where org_id = $1
                and not exists (select from audit_chain c where c.org_id = e.org_id and c.entry_id = e.id)",
        )
        .bind(actor.org.0)
        .fetch_one(&mut superuser)
        .await
        .unwrap();
        if loose == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a transaction elsewhere held the sequencer back for too long");
}

/// Does what a thief with every right would do: triggers and foreign keys off.
async fn tamper(superuser: &mut PgConnection, statement: &str) {
    superuser.execute("set session_replication_role = replica").await.unwrap();
    superuser.execute(sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))).await.unwrap();
    superuser.execute("set session_replication_role = origin").await.unwrap();
}

async fn entry_at(superuser: &mut PgConnection, org: Uuid, seq: i64) -> i64 {
    let entry = "select entry_id from audit_chain where org_id = $1 and seq = $2";
    sqlx::query_scalar(entry).bind(org).bind(seq).fetch_one(superuser).await.unwrap()
}

#[tokio::test]
async fn an_untouched_record_verifies_in_every_organization_by_itself() {
    let office = Office::open().await;
    let (riverside, hillside) = (office.found("riverside").await, office.found("hillside").await);
    record(&office, &riverside, 25).await;
    record(&office, &hillside, 5).await;
    let report = verify(&office.app, &riverside).await.unwrap();
    assert_eq!((report.fault, report.entries), (None, 27), "founded, its rule on second factors, and 25 charts");
    assert_eq!(verify(&office.app, &hillside).await.unwrap().entries, 7);
    chain_all(&office, &riverside).await;
    let later = verify(&office.app, &riverside).await.unwrap();
    assert_eq!((later.fault, later.entries), (None, 28), "verifying is itself a deed");
}

#[tokio::test]
async fn every_way_of_tampering_is_named_with_its_entry() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    record(&office, &actor, 12).await;
    let mut superuser = office.database.superuser().await;
    let org = actor.org.0;
    let victim = entry_at(&mut superuser, org, 7).await;
    superuser
        .execute("create temp table kept_entry as table audit_entry; create temp table kept_chain as table audit_chain")
        .await
        .unwrap();
    let altered = ChainFault::Altered { seq: 7, entry: victim };
    let cases = [
        (format!("update audit_entry set deed = 'signed_in' where id = {victim}"), altered.clone()),
        (format!("update audit_entry set patient_id = null where id = {victim}"), altered.clone()),
        (format!("update audit_entry set at = at + interval '1 microsecond' where id = {victim}"), altered.clone()),
        (format!("update audit_entry set detail = '{{\"number\": 6}}' where id = {victim}"), altered.clone()),
        (format!("update audit_entry set detail = '{{\"number\": [\"6\"]}}' where id = {victim}"), altered.clone()),
        (format!("update audit_entry set actor_kind = 'staff' where id = {victim}"), altered.clone()),
        (format!("delete from audit_entry where id = {victim}"), ChainFault::Missing { seq: 7, entry: victim }),
        (
            format!("delete from audit_chain where entry_id = {victim}; delete from audit_entry where id = {victim}"),
            ChainFault::Gap { expected: 7, found: 8 },
        ),
        (format!("update audit_chain set hash = sha256('x') where entry_id = {victim}"), altered.clone()),
        (format!("update audit_entry set xid = '3' where id = {victim}"), altered.clone()),
        (format!("update audit_entry set mark = sha256('x') where id = {victim}"), altered.clone()),
        (format!("update audit_entry set nonce = 'x' where id = {victim}"), altered.clone()),
        (format!("update audit_entry set mark_key = 'x' where id = {victim}"), altered.clone()),
    ];
    for (statement, expected) in cases {
        tamper(&mut superuser, &statement).await;
        let report = verify(&office.app, &actor).await.unwrap();
        assert_eq!((report.fault, report.entries), (Some(expected), 6), "{statement}");
        tamper(
            &mut superuser,
            "delete from audit_chain; delete from audit_entry;
             insert into audit_entry overriding system value select * from kept_entry;
             insert into audit_chain select * from kept_chain",
        )
        .await;
        assert_eq!(verify(&office.app, &actor).await.unwrap().fault, None, "the control, after {statement}");
    }
}

#[tokio::test]
async fn two_entries_that_change_places_are_found() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    record(&office, &actor, 6).await;
    let mut superuser = office.database.superuser().await;
    let (one, other) = (entry_at(&mut superuser, actor.org.0, 3).await, entry_at(&mut superuser, actor.org.0, 4).await);
    let swap = format!(
        "update audit_chain set entry_id = -1 where entry_id = {one};
         update audit_chain set entry_id = {one} where entry_id = {other};
         update audit_chain set entry_id = {other} where entry_id = -1"
    );
    tamper(&mut superuser, &swap).await;
    let report = verify(&office.app, &actor).await.unwrap();
    assert_eq!(report.fault, Some(ChainFault::Altered { seq: 3, entry: other }));
}

#[tokio::test]
async fn neither_the_application_nor_the_owner_of_the_tables_can_change_an_entry() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    record(&office, &actor, 1).await;
    let mut superuser = office.database.superuser().await;
    for statement in [
        "update audit_entry set deed = 'x'",
        "delete from audit_entry",
        "truncate audit_entry cascade",
        "update audit_chain set seq = 9",
        "delete from audit_chain",
        "truncate audit_chain",
    ] {
        let refused = superuser.execute(sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn entries_of_a_slow_transaction_are_chained_and_not_skipped() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    let mut slow = office.app.db.begin(&actor).await.unwrap();
    let deed = Deed::of(DeedKind::OpenedWorklist);
    let _receipt = audit::record(&mut slow, &actor, &deed, office.app.clock.now()).await.unwrap();
    for _ in 0..3 {
        let mut quick = office.app.db.begin(&actor).await.unwrap();
        let _receipt = audit::record(&mut quick, &actor, &deed, office.app.clock.now()).await.unwrap();
        quick.commit().await.unwrap();
    }
    chain(&office.app, &actor).await.unwrap();
    let mut superuser = office.database.superuser().await;
    let chained = "select count(*) from audit_chain c join audit_entry e using (org_id) where e.id = c.entry_id
                     and e.deed = 'opened_worklist'";
    let before: i64 = sqlx::query_scalar(chained).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(before, 0, "nothing younger than a running transaction is chained");
    slow.commit().await.unwrap();
    chain_all(&office, &actor).await;
    let after: i64 = sqlx::query_scalar(chained).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(after, 4, "the slow one with its lower number is there too");
    assert_eq!(verify(&office.app, &actor).await.unwrap().fault, None);
}

#[tokio::test]
async fn two_sequencers_at_once_write_one_chain() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    for _ in 0..4 {
        let mut tx = office.app.db.begin(&actor).await.unwrap();
        for _ in 0..50 {
            let deed = Deed::of(DeedKind::OpenedWorklist);
            let _receipt = audit::record(&mut tx, &actor, &deed, office.app.clock.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let (one, other) = tokio::join!(chain(&office.app, &actor), chain(&office.app, &actor));
        assert!(one.is_ok() && other.is_ok());
    }
    chain_all(&office, &actor).await;
    let report = verify(&office.app, &actor).await.unwrap();
    assert_eq!((report.fault, report.entries), (None, 202));
}

#[tokio::test]
async fn an_entry_that_waits_too_long_is_a_fault() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    record(&office, &actor, 2).await;
    let mut holding = office.database.superuser().await;
    holding.execute("begin; select pg_current_xact_id()").await.unwrap();
    let deed = Deed::of(DeedKind::OpenedWorklist);
    let mut tx = office.app.db.begin(&actor).await.unwrap();
    let _receipt = audit::record(&mut tx, &actor, &deed, office.app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(verify(&office.app, &actor).await.unwrap().fault, None, "the control: it has only just been written");
    office.clock.advance(Duration::from_secs(61));
    let fault = verify(&office.app, &actor).await.unwrap().fault;
    assert!(matches!(fault, Some(ChainFault::Unchained { seconds: 61.., .. })), "{fault:?}");
    holding.execute("rollback").await.unwrap();
}

#[tokio::test]
async fn an_auditor_searches_by_deed_patient_and_time_and_the_search_is_in_the_record() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let nurse = office.add(&operator, Role::Nurse).await;
    let auditor = office.add(&operator, Role::Auditor).await;
    record(&office, &nurse, 6).await;
    let patient = PatientId(Uuid::from_u128(2));
    let query = RecordQuery { deed: Some(DeedKind::OpenedChart), patient: Some(patient), ..RecordQuery::default() };
    let found = search(&office.app, &auditor, &query, 0).await.unwrap();
    assert_eq!(found.lines.len(), 2);
    assert!(found.lines.iter().all(|line| line.staff_name.as_deref() == Some("A nurse") && line.seq.is_some()));
    let by_staff = RecordQuery { staff: auditor.staff_id(), ..RecordQuery::default() };
    let own = search(&office.app, &auditor, &by_staff, 0).await.unwrap();
    assert_eq!(own.lines.len(), 2, "both searches, this one included");
    let later =
        RecordQuery { from: Some(office.app.clock.now() + chrono::TimeDelta::hours(1)), ..RecordQuery::default() };
    assert!(search(&office.app, &auditor, &later, 0).await.unwrap().lines.is_empty());
    assert!(matches!(search(&office.app, &nurse, &query, 0).await, Err(Error::Forbidden)));
    assert!(matches!(verify(&office.app, &nurse).await, Err(Error::Forbidden)));
    let hillside = office.found("hillside").await;
    let stranger = office.add(&hillside, Role::Auditor).await;
    assert!(
        search(&office.app, &stranger, &query, 0).await.unwrap().lines.is_empty(),
        "another organization's auditor"
    );
}
