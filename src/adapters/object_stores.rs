//! Objects in a folder or an S3-compatible bucket, through `object_store`.

use crate::{
    domain::ids::OrgId,
    ports::{
        Outage, OutageKind,
        objects::{ObjectKey, ObjectKind, ObjectStream, ObjectWriter, Objects},
    },
};
use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{
    Error as Fault, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig, WriteMultipart,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path,
    prefix::PrefixStore,
};
use std::{path::Path as Folder, sync::Arc, time::Duration};
use url::Url;

/// Bytes of a part; a bucket takes none smaller than 5 MiB but the last.
const PART: usize = 8 * 1024 * 1024;
/// Parts under way at once.
const PARTS_AT_ONCE: usize = 2;

/// Longest a server's refusals are answered by trying again.
const PATIENCE: Duration = Duration::from_secs(10);

/// A store of objects behind a URL.
#[derive(Clone)]
pub struct ObjectStores {
    store: Arc<dyn ObjectStore>,
    name: &'static str,
}

impl ObjectStores {
    /// A folder, made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(name: &'static str, folder: &Folder) -> Result<Self, Outage> {
        std::fs::create_dir_all(folder).map_err(|_| broken(name, OutageKind::Unreachable))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|fault| outage(name, &fault))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), name })
    }

    /// A bucket such as `s3://bucket/path`, with `aws_...` options such as `aws_endpoint` and credentials.
    ///
    /// # Errors
    /// When the URL or an option is not understood.
    pub fn bucket(name: &'static str, url: &Url, options: &[(String, String)]) -> Result<Self, Outage> {
        let settings = |fault: &Fault| outage(name, fault);
        // A job that waits for minutes holds its lease in vain; the runner tries again by itself.
        let retry = RetryConfig { max_retries: 2, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new().with_url(url.as_str()).with_retry(retry);
        for (option, value) in options {
            let option: AmazonS3ConfigKey = option.parse().map_err(|fault| settings(&fault))?;
            builder = builder.with_config(option, value);
        }
        let store = builder.build().map_err(|fault| settings(&fault))?;
        let path = Path::parse(url.path()).map_err(|fault| settings(&fault.into()))?;
        Ok(Self { store: Arc::new(PrefixStore::new(store, path)), name })
    }

    async fn write(&self, key: &ObjectKey, bytes: Vec<u8>, mode: PutMode) -> Result<(), Outage> {
        let options = PutOptions { mode, ..PutOptions::default() };
        self.store
            .put_opts(&path(key), PutPayload::from(bytes), options)
            .await
            .map(|_| ())
            .map_err(|fault| outage(self.name, &fault))
    }
}

#[async_trait]
impl Objects for ObjectStores {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), Outage> {
        self.write(key, bytes, PutMode::Overwrite).await
    }

    async fn put_once(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), Outage> {
        self.write(key, bytes, PutMode::Create).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Option<Vec<u8>>, Outage> {
        match self.store.get(&path(key)).await {
            Ok(found) => {
                found.bytes().await.map(|bytes| Some(bytes.to_vec())).map_err(|fault| outage(self.name, &fault))
            }
            Err(Fault::NotFound { .. }) => Ok(None),
            Err(fault) => Err(outage(self.name, &fault)),
        }
    }

    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn ObjectWriter>, Outage> {
        let upload = self.store.put_multipart(&path(key)).await.map_err(|fault| outage(self.name, &fault))?;
        let parts = WriteMultipart::new_with_chunk_size(upload, PART);
        Ok(Box::new(Writing { parts, name: self.name }))
    }

    async fn stream(&self, key: &ObjectKey) -> Result<Option<ObjectStream>, Outage> {
        let name = self.name;
        match self.store.get(&path(key)).await {
            Ok(found) => Ok(Some(
                found
                    .into_stream()
                    .map(move |piece| piece.map(|bytes| bytes.to_vec()).map_err(|fault| outage(name, &fault)))
                    .boxed(),
            )),
            Err(Fault::NotFound { .. }) => Ok(None),
            Err(fault) => Err(outage(name, &fault)),
        }
    }

    async fn list(&self, org: OrgId, kind: ObjectKind) -> Result<Vec<String>, Outage> {
        let folder = path(&ObjectKey { org, kind, name: String::new() });
        let found: Vec<_> =
            self.store.list(Some(&folder)).try_collect().await.map_err(|fault| outage(self.name, &fault))?;
        let mut names: Vec<String> =
            found.into_iter().filter_map(|object| object.location.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), Outage> {
        match self.store.delete(&path(key)).await {
            Ok(()) | Err(Fault::NotFound { .. }) => Ok(()),
            Err(fault) => Err(outage(self.name, &fault)),
        }
    }
}

/// An object that is being written: a staged file of a folder, or a multipart upload of a bucket.
struct Writing {
    parts: WriteMultipart,
    name: &'static str,
}

#[async_trait]
impl ObjectWriter for Writing {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Outage> {
        self.parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(|fault| outage(self.name, &fault))?;
        self.parts.write(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), Outage> {
        let name = self.name;
        self.parts.finish().await.map(|_| ()).map_err(|fault| outage(name, &fault))
    }

    async fn abort(self: Box<Self>) -> Result<(), Outage> {
        let name = self.name;
        self.parts.abort().await.map_err(|fault| outage(name, &fault))
    }
}

fn path(key: &ObjectKey) -> Path {
    Path::from(key.to_string())
}

fn broken(dependency: &'static str, kind: OutageKind) -> Outage {
    Outage { dependency, kind }
}

fn outage(dependency: &'static str, fault: &Fault) -> Outage {
    let kind = match fault {
        Fault::AlreadyExists { .. } => OutageKind::Refused("exists".to_owned()),
        Fault::PermissionDenied { .. } | Fault::Unauthenticated { .. } => OutageKind::Refused("denied".to_owned()),
        Fault::NotSupported { .. } | Fault::NotImplemented { .. } => OutageKind::Refused("not_supported".to_owned()),
        Fault::InvalidPath { .. } | Fault::UnknownConfigurationKey { .. } => OutageKind::Refused("settings".to_owned()),
        _ => OutageKind::Broken,
    };
    broken(dependency, kind)
}
