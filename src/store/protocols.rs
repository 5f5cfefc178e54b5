//! Protocol versions: imported once, never changed, one of each protocol in use, passages beside them.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::protocol::{Package, model::Status, read_package},
    error::Error,
};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// One stored version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The protocol.
    pub protocol: String,
    /// Its version.
    pub version: String,
    /// The hash of its content.
    pub sha256: Vec<u8>,
}

/// The version new calls are pinned to; `None` when there is none.
///
/// # Errors
/// When the database is away.
pub async fn in_use(tx: &mut OrgTx, protocol: &str) -> Result<Option<Stored>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select version, sha256
           from protocol_version
          where org_id = $1
            and protocol_id = $2
            and in_use",
        org.0,
        protocol
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| Stored { protocol: protocol.to_owned(), version: row.version, sha256: row.sha256 }))
}

/// Protocols with a version in use, with their titles: what a call can be planned with.
///
/// # Errors
/// When the database is away.
pub async fn offered(tx: &mut OrgTx) -> Result<Vec<(String, String)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select protocol_id, title
           from protocol_version
          where org_id = $1
            and in_use
          order by title",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.protocol_id, row.title)).collect())
}

/// Read packages by the hash of their content. The key says everything about the value, so it may be shared by every
/// organization that has stored that very content; it spares reading the same files at each answer.
static READ: LazyLock<Mutex<HashMap<Vec<u8>, Arc<Package>>>> = LazyLock::new(Mutex::default);

/// More than this many and the memory is emptied: a ward uses a few dozen versions.
const MOST_READ: usize = 128;

/// The package of a stored version, which must still have the hash it was stored with.
///
/// # Errors
/// `NotFound` when there is no such version; `Fault` when its content is no longer what was imported.
pub async fn package(tx: &mut OrgTx, protocol: &str, version: &str) -> Result<Arc<Package>, Error> {
    let org = tx.org();
    let sha256 = sqlx::query_scalar!(
        "select sha256
           from protocol_version
          where org_id = $1
            and protocol_id = $2
            and version = $3",
        org.0,
        protocol,
        version
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    if let Some(package) = READ.lock().unwrap_or_else(PoisonError::into_inner).get(&sha256) {
        return Ok(Arc::clone(package));
    }
    let files = sqlx::query_scalar!(
        "select package
           from protocol_version
          where org_id = $1
            and protocol_id = $2
            and version = $3",
        org.0,
        protocol,
        version
    )
    .fetch_one(tx.connection())
    .await?;
    let files: BTreeMap<String, String> = serde_json::from_value(files).map_err(|_| changed(protocol, version))?;
    let package = read_package(&files).map_err(|_| changed(protocol, version))?;
    if package.sha256.as_slice() != sha256.as_slice() {
        return Err(changed(protocol, version));
    }
    let package = Arc::new(package);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if read.len() >= MOST_READ {
        read.clear();
    }
    read.insert(sha256, Arc::clone(&package));
    Ok(package)
}

fn changed(protocol: &str, version: &str) -> Error {
    Error::Fault(format!("the stored content of protocol {protocol} {version} is not what was imported"))
}

/// What became of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// A new version.
    New(Use),
    /// The same content was imported before.
    Before,
}

/// Whether new calls are pinned to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// They are.
    InUse,
    /// It is a draft until clinical leads have signed it and an admin activates it.
    NotInUse,
}

/// What lets a version be used at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The operator at the desk: the first version of a protocol serves as the sample, not signed.
    Sample,
    /// Nothing: it is a draft until clinical leads have signed it.
    Draft,
}

/// Stores a version with its passages. Only the first version of a protocol can be in use without signatures.
///
/// # Errors
/// `Conflict` when this version number was imported before with other content.
pub async fn add(
    tx: &mut OrgTx,
    package: &Package,
    title: &str,
    basis: Basis,
    now: DateTime<Utc>,
) -> Result<Added, Error> {
    let org = tx.org();
    let header = &package.protocol.header;
    let version = header.version.to_string();
    let before = sqlx::query_scalar!(
        "select sha256
           from protocol_version
          where org_id = $1
            and protocol_id = $2
            and version = $3",
        org.0,
        header.id,
        version
    )
    .fetch_optional(tx.connection())
    .await?;
    match before {
        Some(sha256) if sha256.as_slice() == package.sha256.as_slice() => return Ok(Added::Before),
        Some(_) => {
            let id = &header.id;
            return Err(Error::Conflict(format!(
                "{id} {version} was imported before with other content; raise `version` in protocol.yaml and import again"
            )));
        }
        None => {}
    }
    let is_first = in_use(tx, &header.id).await?.is_none();
    let serves = basis == Basis::Sample && header.status != Status::Retired && is_first;
    let files = serde_json::to_value(&package.files).map_err(|error| Error::Fault(error.to_string()))?;
    sqlx::query!(
        "insert into protocol_version (org_id, protocol_id, version, sha256, title, status, package, in_use,
                                       imported_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        org.0,
        header.id,
        version,
        package.sha256.as_slice(),
        title,
        header.status.word(),
        files,
        serves,
        now
    )
    .execute(tx.connection())
    .await?;
    add_passages(tx, package, &version).await?;
    Ok(Added::New(if serves { Use::InUse } else { Use::NotInUse }))
}

/// One stored version on the list of protocols.
#[derive(Clone, Debug)]
pub struct VersionLine {
    /// The protocol.
    pub protocol: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// The hash of its content.
    pub sha256: Vec<u8>,
    /// Whether new calls are pinned to it.
    pub is_in_use: bool,
    /// When it was imported.
    pub imported_at: DateTime<Utc>,
}

/// Every version, by title, the one in use first, then the newest.
///
/// # Errors
/// When the database is away.
pub async fn versions(tx: &mut OrgTx) -> Result<Vec<VersionLine>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select protocol_id, version, title, sha256, in_use, imported_at
           from protocol_version
          where org_id = $1
          order by protocol_id, in_use desc, imported_at desc, version desc",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| VersionLine {
            protocol: row.protocol_id,
            version: row.version,
            title: row.title,
            sha256: row.sha256,
            is_in_use: row.in_use,
            imported_at: row.imported_at,
        })
        .collect())
}

/// Makes a version the one that new calls are pinned to. The receipt is the one of its activation.
///
/// # Errors
/// `NotFound` when there is no such version.
pub async fn put_in_use(tx: &mut OrgTx, _: &Receipt, protocol: &str, version: &str) -> Result<(), Error> {
    retire_present(tx, protocol).await?;
    let org = tx.org();
    let changed = sqlx::query!(
        "update protocol_version
            set in_use = true
          where org_id = $1
            and protocol_id = $2
            and version = $3",
        org.0,
        protocol,
        version
    )
    .execute(tx.connection())
    .await?;
    if changed.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
}

async fn retire_present(tx: &mut OrgTx, protocol: &str) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update protocol_version
            set in_use = false
          where org_id = $1
            and protocol_id = $2
            and in_use",
        org.0,
        protocol
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn add_passages(tx: &mut OrgTx, package: &Package, version: &str) -> Result<(), Error> {
    let org = tx.org();
    for (ordinal, passage) in (1_i32..).zip(&package.passages) {
        let tags: Vec<String> = passage.tags.iter().cloned().collect();
        let sha256: [u8; 32] = Sha256::digest(&passage.text).into();
        sqlx::query!(
            "insert into passage (org_id, protocol_id, version, anchor, ordinal, heading, text, tags, sha256)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            org.0,
            package.protocol.header.id,
            version,
            passage.anchor,
            ordinal,
            passage.heading,
            passage.text,
            &tags,
            sha256.as_slice()
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}
