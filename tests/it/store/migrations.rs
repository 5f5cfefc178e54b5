//! Migrations run once, whoever runs them and how often, and refuse what is not theirs.

use crate::support::database::Database;
use careline::{
    error::Error,
    store::migrations::{is_current, migrate},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

/// An empty database beside the leased one, dropped at the end.
struct Empty {
    superuser: PgConnection,
    name: String,
    owner_url: String,
    app_url: String,
}

impl Empty {
    async fn beside(database: &Database) -> Self {
        let mut superuser = database.superuser().await;
        let name = format!("empty_{}", uuid::Uuid::now_v7().simple());
        superuser.execute(sqlx::raw_sql(AssertSqlSafe(format!("create database {name} owner own_mig")))).await.unwrap();
        let address = |role: &str| {
            let mut url = Url::parse(&database.superuser_url).unwrap();
            url.set_path(&name);
            url.set_username(role).unwrap();
            String::from(url)
        };
        Self { owner_url: address("own_mig"), app_url: address("app_rw"), superuser, name }
    }

    async fn drop(mut self) {
        let statement = format!("drop database {} with (force)", self.name);
        self.superuser.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
    }
}

#[tokio::test]
async fn two_processes_migrate_an_empty_database_once_and_the_application_sees_that_nothing_is_left() {
    let database = Database::lease().await;
    let empty = Empty::beside(&database).await;
    assert!(!is_current(&empty.app_url).await.unwrap(), "the control: nothing has been run");
    let (one, other) = tokio::join!(migrate(&empty.owner_url), migrate(&empty.owner_url));
    one.unwrap();
    other.unwrap();
    migrate(&empty.owner_url).await.unwrap();
    assert!(is_current(&empty.app_url).await.unwrap());
    let mut owner = PgConnection::connect(&empty.owner_url).await.unwrap();
    owner.execute("update _sqlx_migrations set checksum = '\\x00' where version = 2").await.unwrap();
    assert!(!is_current(&empty.app_url).await.unwrap(), "another migration under the same number");
    let Err(Error::Invalid(text)) = migrate(&empty.owner_url).await else { panic!("a foreign history passes") };
    assert!(text.contains("migration 2"), "{text}");
    owner.close().await.unwrap();
    empty.drop().await;
}

#[tokio::test]
async fn a_role_that_owns_nothing_is_told_to_migrate_with_the_one_that_does() {
    let database = Database::lease().await;
    let empty = Empty::beside(&database).await;
    let Err(Error::Invalid(text)) = migrate(&empty.app_url).await else { panic!("app_rw made tables") };
    assert!(text.contains("CARELINE_MIGRATION_DATABASE_URL"), "{text}");
    empty.drop().await;
}
