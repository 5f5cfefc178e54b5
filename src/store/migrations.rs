//! Migrations: forward only, run by the role that owns the tables, one process at a time.

use crate::error::Error;
use sqlx::{Connection, PgConnection, migrate::Migrator};

/// Every migration, compiled in.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The oldest PostgreSQL that is supported: earlier ones leak rows between roles through cached plans.
const OLDEST: i32 = 150_000;

/// Brings the database at `owner_url` up to date. A second process waits for the first (advisory lock).
///
/// # Errors
/// `Invalid` when the database is too old or was migrated by a newer Careline; otherwise when it is away.
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
    MIGRATOR.run(&mut connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => Error::Database(error),
        sqlx::migrate::MigrateError::ExecuteMigration(error, number) => {
            tracing::error!(migration = number, "a migration failed and changed nothing");
            Error::Database(error)
        }
        sqlx::migrate::MigrateError::VersionMissing(number) => Error::Invalid(format!(
            "the database has migration {number}, which this Careline does not know; start the newer one that ran it"
        )),
        sqlx::migrate::MigrateError::VersionMismatch(number) => Error::Invalid(format!(
            "migration {number} is not the one this database was made with; restore the file or begin a new database"
        )),
        other => Error::Fault(format!("the migrations could not be run: {other}")),
    })?;
    connection.close().await?;
    Ok(())
}
