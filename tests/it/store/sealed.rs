//! Every column that holds bytes is either sealed, and then on the list that a rotation of keys works through, or known to
//! be something else.

use crate::support::database::Database;
use careline::domain::sealed::SealedColumn;
use sqlx::{Executor, PgConnection};

/// Bytes that no key wraps: hashes, marks, public keys, ids.
const NOT_SEALED: [&str; 19] = [
    "account",
    "browser_hash",
    "call_code_hash",
    "credential_id",
    "body_hash",
    "hash",
    "mark",
    "nonce",
    "previous",
    "protocol_sha256",
    "public_key",
    "root",
    "salt",
    "sha256",
    "signature",
    "state_hash",
    "token_hash",
    "device_hash",
    "key_hash",
];

async fn unknown(superuser: &mut PgConnection) -> Vec<String> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select c.table_name::text, c.column_name::text
           from information_schema.columns c
          where c.table_schema = 'public' and c.data_type = 'bytea' and c.table_name <> '_sqlx_migrations'
          order by 1, 2",
    )
    .fetch_all(superuser)
    .await
    .unwrap();
    assert!(columns.len() > 20, "the catalogue was read");
    let sealed = |table: &str, column: &str| {
        SealedColumn::ALL.iter().any(|known| known.table() == table && known.column() == column)
    };
    for known in SealedColumn::ALL {
        let found = columns.iter().any(|(table, column)| table == known.table() && column == known.column());
        assert!(found, "{}.{} is on the list and not in the database", known.table(), known.column());
    }
    columns
        .into_iter()
        .filter(|(table, column)| !sealed(table, column) && !NOT_SEALED.contains(&column.as_str()))
        .map(|(table, column)| format!("{table}.{column}"))
        .collect()
}

#[tokio::test]
async fn no_sealed_column_is_forgotten_when_keys_are_rotated() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    assert_eq!(unknown(&mut superuser).await, Vec::<String>::new());
    superuser.execute("begin").await.unwrap();
    superuser.execute("create table stray (org_id uuid, id uuid, sealed bytea)").await.unwrap();
    let found = unknown(&mut superuser).await;
    superuser.execute("rollback").await.unwrap();
    assert_eq!(found, ["stray.sealed"], "the control: a new column that nobody listed");
}
