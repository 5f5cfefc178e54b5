//! The roles at work: what `app_jobs` sees of everybody's queue, and that an old private database learns of new roles.

use crate::support::database::Database;
use careline::{
    adapters::private_postgres::{Durability, PrivatePostgres, PrivatePostgresSettings},
    domain::ids::OrgId,
    store::jobs::organizations_with_due_work,
};
use chrono::{DateTime, Utc};
use sqlx::{Connection, Executor, PgConnection};
use std::path::Path;
use uuid::Uuid;

const NOW: &str = "2026-11-21T15:00:00Z";

/// One job of an organization of its own.
async fn job(superuser: &mut PgConnection, run_at: &str, state: &str, lease: Option<&str>) -> OrgId {
    let org = Uuid::now_v7();
    sqlx::query(
        "insert into job (org_id, id, body, unique_key, run_at, state, lease_until, created_at)
         values ($1, $1, '{}', 'x', $2::timestamptz, $3, now() + $4::interval, now())",
    )
    .bind(org)
    .bind(run_at)
    .bind(state)
    .bind(lease)
    .execute(superuser)
    .await
    .unwrap();
    OrgId(org)
}

#[tokio::test]
async fn the_runner_learns_who_has_due_work_and_the_longest_waiting_comes_first() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    let recent = job(&mut superuser, "2026-11-21T14:59:59Z", "queued", None).await;
    let early = job(&mut superuser, "2026-11-21T12:00:00Z", "queued", None).await;
    let died = job(&mut superuser, "2026-11-21T14:00:00Z", "running", Some("-1 second")).await;
    let _at_work = job(&mut superuser, "2026-11-21T11:00:00Z", "running", Some("1 hour")).await;
    let _later = job(&mut superuser, "2026-11-21T15:00:01Z", "queued", None).await;
    let _done = job(&mut superuser, "2026-11-21T10:00:00Z", "done", None).await;
    let now: DateTime<Utc> = NOW.parse().unwrap();
    let db = database.open(2).await;
    assert_eq!(organizations_with_due_work(&db, now).await.unwrap(), [early, died, recent]);
    assert_eq!(
        organizations_with_due_work(&db, now).await.unwrap().len(),
        3,
        "and again on a connection that was used"
    );
}

#[tokio::test]
async fn the_role_that_sees_every_queue_sees_nothing_else() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    let _queued = job(&mut superuser, NOW, "queued", None).await;
    let mut application = PgConnection::connect(&database.url).await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from job").fetch_one(&mut application).await.unwrap();
    assert_eq!(seen, 0, "the control: the application itself sees no queue without an organization");
    application.execute("set role app_jobs").await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(id) from job").fetch_one(&mut application).await.unwrap();
    assert_eq!(seen, 1);
    for beyond in [
        "select body from job",
        "select unique_key from job",
        "select 1 from patient",
        "update job set state = 'done'",
        "delete from job",
        "select 1 from audit_entry",
    ] {
        let refused = application.execute(beyond).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{beyond}: {refused}");
    }
}

#[tokio::test]
async fn a_private_database_of_an_earlier_careline_gets_the_roles_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let settings = PrivatePostgresSettings { folder: folder.path().to_owned(), durability: Durability::Forgone };
    let first = PrivatePostgres::start(settings.clone()).await.unwrap();
    let mut superuser = PgConnection::connect(first.superuser_url().reveal()).await.unwrap();
    assert_eq!(roles(&mut superuser).await, 5);
    let url = first.superuser_url().into_revealed();
    let careline = url.rsplit_once('/').unwrap().0.to_owned() + "/careline";
    let mut inside = PgConnection::connect(&careline).await.unwrap();
    for role in ["app_jobs", "audit_ro", "backup"] {
        inside
            .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(format!("drop owned by {role}; drop role {role}"))))
            .await
            .unwrap();
    }
    inside.close().await.unwrap();
    superuser.close().await.unwrap();
    first.stop().await;
    let passwords = passwords(folder.path());
    let text = std::fs::read_to_string(&passwords).unwrap();
    let old: Vec<&str> = text.lines().take(3).collect();
    std::fs::write(&passwords, old.join("\n") + "\n").unwrap();
    for start in ["the one that completes it", "the next"] {
        let again = PrivatePostgres::start(settings.clone()).await.unwrap();
        let mut superuser = PgConnection::connect(again.superuser_url().reveal()).await.unwrap();
        assert_eq!(roles(&mut superuser).await, 5, "{start}");
        superuser.close().await.unwrap();
        let application = PgConnection::connect(again.app_url().reveal()).await.unwrap();
        application.close().await.unwrap();
        again.stop().await;
    }
}

fn passwords(folder: &Path) -> std::path::PathBuf {
    folder.join("postgres").canonicalize().unwrap().join("passwords")
}

async fn roles(superuser: &mut PgConnection) -> i64 {
    let count = "select count(*) from pg_roles
                  where rolname in ('own_mig', 'app_rw', 'app_jobs', 'audit_ro', 'backup')";
    sqlx::query_scalar(count).fetch_one(superuser).await.unwrap()
}
