//! Where whole objects are kept: encrypted files, exports, and, in a second place, signed checkpoints.

use super::Outage;
use crate::domain::ids::OrgId;
use async_trait::async_trait;
use std::fmt;

/// What kind of object; one folder each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// An encrypted file of a patient.
    File,
    /// A signed checkpoint of the record.
    Checkpoint,
    /// An export that somebody asked for.
    Export,
}

/// The name of an object. It belongs to one organization by type, and says nothing about a patient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    /// The organization.
    pub org: OrgId,
    /// The kind.
    pub kind: ObjectKind,
    /// An id or a number: letters, digits, hyphens and points.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ObjectKind::File => "files",
            ObjectKind::Checkpoint => "checkpoints",
            ObjectKind::Export => "exports",
        };
        write!(f, "{}/{kind}/{}", self.org, self.name)
    }
}

/// A store of objects: a folder, or a bucket of an S3-compatible server.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Writes an object whole or not at all, over one of the same name.
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), Outage>;

    /// Writes an object that must not exist yet.
    ///
    /// # Errors
    /// `Refused("exists")` when it does.
    async fn put_once(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), Outage>;

    /// Reads an object; `None` when there is none.
    async fn get(&self, key: &ObjectKey) -> Result<Option<Vec<u8>>, Outage>;

    /// The names of an organization's objects of one kind, sorted.
    async fn list(&self, org: OrgId, kind: ObjectKind) -> Result<Vec<String>, Outage>;

    /// Removes an object; one that is not there is fine.
    async fn remove(&self, key: &ObjectKey) -> Result<(), Outage>;
}
