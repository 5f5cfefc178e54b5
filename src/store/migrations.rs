//! The schema's history: forward only, run by the owner of the schema, by one process at a time.

use crate::error::Error;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Brings the schema up to date; a second process waits for the first.
///
/// # Errors
/// When the database cannot be reached, or its history is not ours.
pub async fn migrate(owner_url: &str) -> Result<(), Error> {
    let mut connection = PgConnection::connect(owner_url).await?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| {
        Error::Invalid(format!(
            "the database could not be migrated: {error}; run `careline migrate` with the owner's URL"
        ))
    })?;
    connection.close().await?;
    Ok(())
}

/// Makes the two roles and a database in a private cluster, if they are not there: `own_mig` owns the schema, `app_rw`
/// owns nothing and is bound by row-level security. Passwords are hexadecimal, made by us.
///
/// # Errors
/// When the cluster cannot be reached.
pub async fn prepare_cluster(
    superuser_url: &str,
    owner_password: &str,
    app_password: &str,
    database: &str,
) -> Result<(), Error> {
    let mut connection = connect_patiently(superuser_url).await?;
    for (role, password) in [("own_mig", owner_password), ("app_rw", app_password)] {
        let there = sqlx::query_scalar!(r#"select exists (select from pg_roles where rolname = $1) as "there!""#, role)
            .fetch_one(&mut connection)
            .await?;
        let verb = if there { "alter" } else { "create" };
        let statement = format!(
            "{verb} role {role} login nosuperuser nobypassrls nocreatedb nocreaterole noinherit password '{password}'"
        );
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    let there =
        sqlx::query_scalar!(r#"select exists (select from pg_database where datname = $1) as "there!""#, database)
            .fetch_one(&mut connection)
            .await?;
    if !there {
        let statement = format!("create database {database} owner own_mig");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

/// A server that has just begun to listen may still refuse for a moment.
async fn connect_patiently(url: &str) -> Result<PgConnection, Error> {
    let mut last = None;
    for _ in 0..100 {
        match PgConnection::connect(url).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Err(last.map_or_else(|| Error::Fault("the database was never tried".to_owned()), Error::Database))
}
