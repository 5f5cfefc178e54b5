//! Promise 6, agencies never meet: what the database itself enforces, whatever a query says.

use crate::support::database::Database;
use careline::store::Db;
use sqlx::{Connection, PgConnection, Row};

#[tokio::test]
async fn every_table_forces_row_level_security_and_the_application_owns_nothing() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    let open: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
           join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'public' and c.relkind in ('r', 'p')
            and c.relname not like '%migrations'
            and (not c.relrowsecurity or not c.relforcerowsecurity
                 or pg_get_userbyid(c.relowner) = 'app_rw'
                 or not exists (select from pg_policy p where p.polrelid = c.oid))",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new(), "tables that do not keep organizations apart");
    let with_org: i64 = sqlx::query_scalar(
        "select count(*) from information_schema.columns where table_schema = 'public' and column_name = 'org_id'",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    assert!(with_org > 10, "the control: there are tables to look at, {with_org} found");
}

#[tokio::test]
async fn without_an_organization_nothing_is_seen_and_nothing_can_be_written() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    let org = uuid::Uuid::now_v7();
    sqlx::query(
        "insert into organization (org_id, name, time_zone, caller_number, created_at)
         values ($1, 'Riverside', 'America/New_York', '+12125550100', now())",
    )
    .bind(org)
    .execute(&mut superuser)
    .await
    .unwrap();
    let mut application = PgConnection::connect(&database.url).await.unwrap();
    let count = "select count(*) from organization";
    let unbound: i64 = sqlx::query(count).fetch_one(&mut application).await.unwrap().get(0);
    assert_eq!(unbound, 0, "a statement without an organization");
    for (setting, rows) in [(org.to_string(), 1), (uuid::Uuid::now_v7().to_string(), 0), (String::new(), 0)] {
        sqlx::query("select set_config('app.org', $1, false)").bind(&setting).execute(&mut application).await.unwrap();
        let seen: i64 = sqlx::query(count).fetch_one(&mut application).await.unwrap().get(0);
        assert_eq!(seen, rows, "with app.org = {setting:?}");
    }
    let smuggled = sqlx::query(
        "insert into organization (org_id, name, time_zone, caller_number, created_at)
         values ($1, 'Elsewhere', 'America/New_York', '+12125550100', now())",
    )
    .bind(uuid::Uuid::now_v7())
    .execute(&mut application)
    .await;
    assert!(smuggled.unwrap_err().to_string().contains("row-level security"));
}

#[tokio::test]
async fn a_role_that_could_see_every_organization_is_refused() {
    let database = Database::lease().await;
    let refused =
        Db::open(&database.superuser_url, 1, database.entry_keys()).await.err().expect("a superuser is refused");
    assert!(refused.to_string().contains("app_rw"), "{refused}");
    assert!(
        Db::open(&database.url, 1, database.entry_keys()).await.is_ok(),
        "the control: the application role is let in"
    );
}
