//! Migrations: forward only, run by the role that owns the tables, one process at a time.

use crate::error::Error;
use sqlx::{
    Connection, PgConnection,
    migrate::{MigrateError, Migrator},
};

/// Every migration, compiled in.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The oldest PostgreSQL that is supported: earlier ones leak rows between roles through cached plans.
const OLDEST: i32 = 150_000;

/// Brings the database at `owner_url` up to date. A second process waits for the first (advisory lock).
///
/// # Errors
/// `Invalid` when the database is too old, was migrated by another Careline, or its role may not change tables;
/// otherwise when it is away.
pub async fn migrate(owner_url: &str) -> Result<(), Error> {
    let mut connection = PgConnection::connect(owner_url).await?;
    let version = sqlx::query_scalar!(r#"select current_setting('server_version_num')::int as "version!""#)
        .fetch_one(&mut connection)
        .await?;
    if version < OLDEST {
        return Err(Error::Invalid(format!(
            "this database is PostgreSQL {}; Careline needs 15 or newer",
            version / 10_000
        )));
    }
    MIGRATOR.run(&mut connection).await.map_err(refusal)?;
    // The application may see what was run, so that it knows without the owner's rights whether anything is left to do.
    sqlx::raw_sql(
        "do $$ begin
           if exists (select from pg_roles where rolname = 'app_rw') then
             grant select on _sqlx_migrations to app_rw;
           end if;
         end $$",
    )
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    Ok(())
}

/// Whether every migration of this Careline, and no other, has been run. A database that cannot tell is not current.
///
/// # Errors
/// When the database is away.
pub async fn is_current(url: &str) -> Result<bool, Error> {
    let mut connection = PgConnection::connect(url).await?;
    let run: Result<Vec<(i64, Vec<u8>)>, sqlx::Error> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success order by version")
            .fetch_all(&mut connection)
            .await;
    connection.close().await?;
    match run {
        Ok(run) => {
            let ours = MIGRATOR.iter().map(|migration| (migration.version, migration.checksum.as_ref()));
            Ok(ours.eq(run.iter().map(|(version, checksum)| (*version, checksum.as_slice()))))
        }
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn refusal(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            Error::Invalid(
                "the tables are not up to date, and this role may not change them; run `careline migrate` with \
                 CARELINE_MIGRATION_DATABASE_URL set to the role that owns them"
                    .to_owned(),
            )
        }
        MigrateError::Execute(error) => Error::Database(error),
        MigrateError::ExecuteMigration(error, number) => {
            let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
            Error::Invalid(format!(
                "migration {number} failed with {} and changed nothing; is this database empty, or Careline's own?",
                code.unwrap_or_else(|| "no code".to_owned())
            ))
        }
        MigrateError::VersionMissing(number) => Error::Invalid(format!(
            "the database has migration {number}, which this Careline does not know; start the newer one that ran it"
        )),
        MigrateError::VersionMismatch(number) => Error::Invalid(format!(
            "migration {number} is not the one this database was made with; restore the file or begin a new database"
        )),
        other => Error::Fault(format!("the migrations could not be run: {other}")),
    }
}
