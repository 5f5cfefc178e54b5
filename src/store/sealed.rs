//! Sealed values wherever they are, to be wrapped anew: read by cursor, exchanged only if nobody changed them meanwhile.

use super::OrgTx;
use crate::{
    domain::sealed::{Sealed, SealedColumn},
    error::Error,
};
use uuid::Uuid;

/// A sealed value in its row, wrapped by an older key.
#[derive(Clone, Debug)]
pub struct Held {
    /// The row.
    pub row: Uuid,
    /// The value as it was read.
    pub sealed: Sealed,
}

/// A value that was wrapped anew.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The row.
    pub row: Uuid,
    /// What must still be there.
    pub old: Sealed,
    /// What takes its place.
    pub new: Sealed,
}

/// Writes the three statements for one column; table, key column and sealed column are literals, so each is checked.
macro_rules! statements {
    ($name:ident, $table:literal, $row:literal, $column:literal) => {
        mod $name {
            use super::{Error, Held, OrgTx, Sealed, Uuid};

            pub async fn held(tx: &mut OrgTx, key: &str, after: Uuid, most: i64) -> Result<Vec<Held>, Error> {
                let org = tx.org();
                let rows = sqlx::query!(
                    "select "
                        + $row
                        + r#" as "row!", "#
                        + $column
                        + r#" as "sealed!" from "#
                        + $table
                        + " where org_id = $1 and "
                        + $row
                        + " > $2 and "
                        + $column
                        + " is not null
                              and sealed_key("
                        + $column
                        + ") <> $3
                            order by "
                        + $row
                        + " limit $4",
                    org.0,
                    after,
                    key,
                    most
                )
                .fetch_all(tx.connection())
                .await?;
                Ok(rows.into_iter().map(|row| Held { row: row.row, sealed: Sealed(row.sealed) }).collect())
            }

            pub async fn exchange(
                tx: &mut OrgTx,
                rows: &[Uuid],
                old: &[Vec<u8>],
                new: &[Vec<u8>],
            ) -> Result<u64, Error> {
                let org = tx.org();
                let done = sqlx::query!(
                    "update "
                        + $table
                        + " as held set "
                        + $column
                        + " = pair.new
                       from unnest($2::uuid[], $3::bytea[], $4::bytea[]) as pair (id, old, new)
                      where held.org_id = $1 and held."
                        + $row
                        + " = pair.id and held."
                        + $column
                        + " = pair.old",
                    org.0,
                    rows,
                    old,
                    new
                )
                .execute(tx.connection())
                .await?;
                Ok(done.rows_affected())
            }

            pub async fn count_others(tx: &mut OrgTx, key: &str) -> Result<i64, Error> {
                let org = tx.org();
                Ok(sqlx::query_scalar!(
                    r#"select count(*) as "count!" from "#
                        + $table
                        + " where org_id = $1 and sealed_key("
                        + $column
                        + ") <> $2",
                    org.0,
                    key
                )
                .fetch_one(tx.connection())
                .await?)
            }

            pub async fn count(tx: &mut OrgTx, key: &str) -> Result<i64, Error> {
                let org = tx.org();
                Ok(sqlx::query_scalar!(
                    r#"select count(*) as "count!" from "#
                        + $table
                        + " where org_id = $1 and sealed_key("
                        + $column
                        + ") = $2",
                    org.0,
                    key
                )
                .fetch_one(tx.connection())
                .await?)
            }
        }
    };
}

statements!(authenticator_app, "authenticator_app", "id", "secret_sealed");
statements!(sign_on_attempt, "sign_on_attempt", "id", "secrets");
// An organization has one provider at most, so the organization is the row.
statements!(single_sign_on, "single_sign_on", "org_id", "client_secret");
statements!(stored_file, "stored_file", "id", "sealed");
statements!(recording_chunk, "recording_chunk", "id", "sealed");
statements!(integration_credential, "integration_credential", "id", "sealed");

/// The next values of a column that another key than `key` wraps, by row, after `after`.
///
/// # Errors
/// When the database is away.
pub async fn held(tx: &mut OrgTx, column: SealedColumn, key: &str, after: Uuid, most: i64) -> Result<Vec<Held>, Error> {
    match column {
        SealedColumn::AuthenticatorApp => authenticator_app::held(tx, key, after, most).await,
        SealedColumn::SignOnAttempt => sign_on_attempt::held(tx, key, after, most).await,
        SealedColumn::SingleSignOn => single_sign_on::held(tx, key, after, most).await,
        SealedColumn::StoredFile => stored_file::held(tx, key, after, most).await,
        SealedColumn::RecordingChunk => recording_chunk::held(tx, key, after, most).await,
        SealedColumn::IntegrationCredential => integration_credential::held(tx, key, after, most).await,
    }
}

/// Exchanges values that are still as they were read; returns how many.
///
/// # Errors
/// When the database is away.
pub async fn exchange(tx: &mut OrgTx, column: SealedColumn, pairs: &[Exchange]) -> Result<u64, Error> {
    let rows: Vec<Uuid> = pairs.iter().map(|pair| pair.row).collect();
    let old: Vec<Vec<u8>> = pairs.iter().map(|pair| pair.old.0.clone()).collect();
    let new: Vec<Vec<u8>> = pairs.iter().map(|pair| pair.new.0.clone()).collect();
    match column {
        SealedColumn::AuthenticatorApp => authenticator_app::exchange(tx, &rows, &old, &new).await,
        SealedColumn::SignOnAttempt => sign_on_attempt::exchange(tx, &rows, &old, &new).await,
        SealedColumn::SingleSignOn => single_sign_on::exchange(tx, &rows, &old, &new).await,
        SealedColumn::StoredFile => stored_file::exchange(tx, &rows, &old, &new).await,
        SealedColumn::RecordingChunk => recording_chunk::exchange(tx, &rows, &old, &new).await,
        SealedColumn::IntegrationCredential => integration_credential::exchange(tx, &rows, &old, &new).await,
    }
}

/// How many values of a column a key wraps.
///
/// # Errors
/// When the database is away.
pub async fn count(tx: &mut OrgTx, column: SealedColumn, key: &str) -> Result<i64, Error> {
    match column {
        SealedColumn::AuthenticatorApp => authenticator_app::count(tx, key).await,
        SealedColumn::SignOnAttempt => sign_on_attempt::count(tx, key).await,
        SealedColumn::SingleSignOn => single_sign_on::count(tx, key).await,
        SealedColumn::StoredFile => stored_file::count(tx, key).await,
        SealedColumn::RecordingChunk => recording_chunk::count(tx, key).await,
        SealedColumn::IntegrationCredential => integration_credential::count(tx, key).await,
    }
}

/// How many values of a column other keys than `key` wrap.
///
/// # Errors
/// When the database is away.
pub async fn count_others(tx: &mut OrgTx, column: SealedColumn, key: &str) -> Result<i64, Error> {
    match column {
        SealedColumn::AuthenticatorApp => authenticator_app::count_others(tx, key).await,
        SealedColumn::SignOnAttempt => sign_on_attempt::count_others(tx, key).await,
        SealedColumn::SingleSignOn => single_sign_on::count_others(tx, key).await,
        SealedColumn::StoredFile => stored_file::count_others(tx, key).await,
        SealedColumn::RecordingChunk => recording_chunk::count_others(tx, key).await,
        SealedColumn::IntegrationCredential => integration_credential::count_others(tx, key).await,
    }
}
