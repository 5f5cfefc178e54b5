//! Promise 5 after a bad day: a record that was restored on another server, where transactions have lower numbers, goes on,
//! and what was not chained before the dump is chained after it.

use crate::support::office::Office;
use careline::{
    domain::{
        audit::{Deed, DeedKind},
        chain::ChainFault,
        people::Actor,
    },
    flows::{chain_record::chain, verify_record::verify},
    store::audit,
};
use sqlx::{Executor, PgConnection};
use std::time::Duration;

/// What another server would have written instead: transactions numbered far above ours.
const ELSEWHERE: &str = "xid = (9000000000000 + id)::text::xid8, written_on = 1";

async fn write(office: &Office, actor: &Actor, deeds: usize) {
    for number in 0..deeds {
        let deed = Deed::of(DeedKind::OpenedWorklist).with("number", number);
        let mut tx = office.app.db.begin(actor).await.unwrap();
        let _receipt = audit::record(&mut tx, actor, &deed, office.app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn count(superuser: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(superuser).await.unwrap()
}

/// Makes entries that are not chained yet look as if a dump had brought them.
async fn bring(superuser: &mut PgConnection) {
    let brought = format!(
        "set session_replication_role = replica;
         update audit_entry e set {ELSEWHERE}
          where not exists (select from audit_chain c where c.entry_id = e.id);
         set session_replication_role = origin"
    );
    superuser.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(brought))).await.unwrap();
}

/// Chains until nothing waits, or for a second: other tests' transactions hold the sequencer back for a moment.
async fn chain_all(office: &Office, actor: &Actor) -> i64 {
    let mut superuser = office.database.superuser().await;
    let mut waiting = 0;
    for _ in 0..50 {
        chain(&office.app, actor).await.unwrap();
        waiting = count(&mut superuser, "audit_entry").await - count(&mut superuser, "audit_chain").await;
        if waiting == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    waiting
}

#[tokio::test]
async fn a_record_restored_where_transactions_have_lower_numbers_goes_on() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    let mut superuser = office.database.superuser().await;
    write(&office, &actor, 5).await;
    bring(&mut superuser).await;
    assert_eq!(chain_all(&office, &actor).await, 0, "what was chained before the dump");
    write(&office, &actor, 4).await;
    bring(&mut superuser).await;
    write(&office, &actor, 3).await;
    assert_eq!(chain_all(&office, &actor).await, 0, "what waited at the dump, and what came after it");
    let in_order = "select count(*) from audit_chain c
                      join audit_chain next on next.org_id = c.org_id and next.seq = c.seq + 1
                     where next.entry_id < c.entry_id";
    let turned: i64 = sqlx::query_scalar(in_order).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(turned, 0, "in the order in which they were written");
    write(&office, &actor, 2).await;
    assert_eq!(chain_all(&office, &actor).await, 0, "and so it goes on");
    let report = verify(&office.app, &actor).await.unwrap();
    assert_eq!((report.fault, report.entries), (None, 16), "two of founding, and fourteen");
}

#[tokio::test]
async fn without_the_server_in_each_entry_a_restored_record_would_stand_still() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    let mut superuser = office.database.superuser().await;
    write(&office, &actor, 5).await;
    bring(&mut superuser).await;
    assert_eq!(chain_all(&office, &actor).await, 0);
    let mistaken = "set session_replication_role = replica; update audit_entry set written_on = this_server()";
    superuser.execute(sqlx::raw_sql(mistaken)).await.unwrap();
    write(&office, &actor, 3).await;
    assert!(chain_all(&office, &actor).await > 0, "the control: numbers of two servers compared");
    office.clock.advance(Duration::from_secs(61));
    let report = verify(&office.app, &actor).await.unwrap();
    assert!(matches!(report.fault, Some(ChainFault::Unchained { .. })), "{:?}", report.fault);
    superuser.execute("update audit_entry set written_on = 1 where xid::text::numeric > 9000000000000").await.unwrap();
    assert_eq!(chain_all(&office, &actor).await, 0, "told apart again, it goes on");
}
