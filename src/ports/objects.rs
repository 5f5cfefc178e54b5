//! Where whole objects are kept: encrypted files, exports, and, in a second place, signed checkpoints.

use super::Outage;
use crate::domain::{
    file_format::{FileKind, FilePlace},
    ids::OrgId,
};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::fmt;

/// What kind of object; one folder each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// An encrypted file of a patient.
    File,
    /// A signed checkpoint of the record.
    Checkpoint,
    /// An encrypted chunk of a recording.
    Recording,
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

impl ObjectKey {
    /// Where a sealed file lies.
    #[must_use]
    pub fn of(place: &FilePlace) -> Self {
        let kind = match place.kind {
            FileKind::Document => ObjectKind::File,
            FileKind::Recording(_) => ObjectKind::Recording,
        };
        Self { org: place.org, kind, name: place.file.to_string() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ObjectKind::File => "files",
            ObjectKind::Checkpoint => "checkpoints",
            ObjectKind::Recording => "recordings",
            ObjectKind::Export => "exports",
        };
        write!(f, "{}/{kind}/{}", self.org, self.name)
    }
}

/// The bytes of an object as they arrive, in pieces of any length.
pub type ObjectStream = BoxStream<'static, Result<Vec<u8>, Outage>>;

/// An object that is being written. Nothing is seen of it before it is finished.
#[async_trait]
pub trait ObjectWriter: Send {
    /// Takes the next bytes; waits while too much is under way.
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Outage>;

    /// Makes the object whole and readable under its name.
    async fn finish(self: Box<Self>) -> Result<(), Outage>;

    /// Gives it up; nothing stays behind.
    async fn abort(self: Box<Self>) -> Result<(), Outage>;
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

    /// Begins an object that may be longer than memory, under a name that is not used.
    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn ObjectWriter>, Outage>;

    /// Reads an object piece by piece; `None` when there is none.
    async fn stream(&self, key: &ObjectKey) -> Result<Option<ObjectStream>, Outage>;

    /// The names of an organization's objects of one kind, sorted.
    async fn list(&self, org: OrgId, kind: ObjectKind) -> Result<Vec<String>, Outage>;

    /// Removes an object; one that is not there is fine.
    async fn remove(&self, key: &ObjectKey) -> Result<(), Outage>;
}
