//! Objects in a folder or an S3-compatible bucket, through `object_store`.

use crate::{
    domain::ids::OrgId,
    ports::{
        Outage, OutageKind,
        objects::{ObjectKey, ObjectKind, Objects},
    },
};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use object_store::{
    Error as Fault, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, local::LocalFileSystem,
    parse_url_opts, path::Path, prefix::PrefixStore,
};
use std::{path::Path as Folder, sync::Arc};
use url::Url;

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
        let (store, path) = parse_url_opts(url, options.iter().cloned()).map_err(|fault| outage(name, &fault))?;
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
