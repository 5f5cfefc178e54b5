//! The port of objects, one suite for every adapter: a folder, and a bucket behind the S3 wire. A bucket of a real server is
//! tried too when one is named.

use crate::support::bucket::{self, Bucket};
use careline::{
    adapters::object_stores::ObjectStores,
    domain::ids::OrgId,
    ports::{
        Outage, OutageKind,
        objects::{ObjectKey, ObjectKind, Objects},
    },
};
use futures_util::StreamExt;
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

fn key(org: OrgId, kind: ObjectKind, name: &str) -> ObjectKey {
    ObjectKey { org, kind, name: name.to_owned() }
}

/// What every store of objects must do.
async fn conforms(store: &dyn Objects) {
    let (org, other) = (OrgId(Uuid::now_v7()), OrgId(Uuid::now_v7()));
    let one = key(org, ObjectKind::File, "1");
    assert_eq!(store.get(&one).await.unwrap(), None);
    assert!(store.stream(&one).await.unwrap().is_none());
    assert_eq!(store.list(org, ObjectKind::File).await.unwrap(), Vec::<String>::new());
    store.remove(&one).await.unwrap();
    store.put(&one, b"first".to_vec()).await.unwrap();
    store.put(&one, b"second".to_vec()).await.unwrap();
    assert_eq!(store.get(&one).await.unwrap().unwrap(), b"second");

    let once = key(org, ObjectKind::Checkpoint, "1");
    store.put_once(&once, b"kept".to_vec()).await.unwrap();
    let again = store.put_once(&once, b"forged".to_vec()).await.unwrap_err();
    assert_eq!(again.kind, OutageKind::Refused("exists".to_owned()));
    assert_eq!(store.get(&once).await.unwrap().unwrap(), b"kept", "what is written once stays");
    let contested = key(org, ObjectKind::Checkpoint, "2");
    let (left, right) = tokio::join!(store.put_once(&contested, vec![2]), store.put_once(&contested, vec![1]));
    assert!(left.is_ok() != right.is_ok(), "of two at once one is refused: {left:?} {right:?}");

    // Longer than one part of a bucket, in pieces that fit no boundary.
    let long: Vec<u8> = (0..9_000_017_u32).map(|at| (at % 251) as u8).collect();
    let streamed = key(org, ObjectKind::File, "2");
    let mut writing = store.begin(&streamed).await.unwrap();
    for piece in long.chunks(700_001) {
        writing.write(piece.to_vec()).await.unwrap();
    }
    assert_eq!(store.get(&streamed).await.unwrap(), None, "nothing is seen before it is whole");
    writing.finish().await.unwrap();
    let mut read = Vec::new();
    let mut pieces = store.stream(&streamed).await.unwrap().unwrap();
    while let Some(piece) = pieces.next().await {
        read.extend(piece.unwrap());
    }
    assert!(read == long, "it comes back as it was written");
    let mut given_up = store.begin(&key(org, ObjectKind::File, "3")).await.unwrap();
    given_up.write(vec![7; 100]).await.unwrap();
    given_up.abort().await.unwrap();

    store.put(&key(other, ObjectKind::File, "9"), vec![9]).await.unwrap();
    assert_eq!(store.list(org, ObjectKind::File).await.unwrap(), ["1", "2"]);
    assert_eq!(store.list(org, ObjectKind::Checkpoint).await.unwrap(), ["1", "2"]);
    store.remove(&one).await.unwrap();
    assert_eq!(store.list(org, ObjectKind::File).await.unwrap(), ["2"]);
    assert_eq!(store.list(other, ObjectKind::File).await.unwrap(), ["9"]);
}

#[tokio::test]
async fn a_folder_keeps_objects() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&ObjectStores::folder("objects", folder.path()).unwrap()).await;
}

fn bucket_of(endpoint: &str, key_id: &str) -> Result<ObjectStores, Outage> {
    let options = [
        ("aws_endpoint", endpoint),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", key_id),
        ("aws_secret_access_key", "example-secret"),
        ("aws_allow_http", "true"),
        ("aws_disable_bulk_delete", "true"),
    ];
    let options: Vec<(String, String)> = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    ObjectStores::bucket("objects", &Url::parse("s3://ward/files").unwrap(), &options)
}

#[tokio::test]
async fn a_bucket_keeps_objects_in_bounded_pieces() {
    let bucket = Arc::new(Bucket::default());
    let endpoint = bucket::serve(Arc::clone(&bucket)).await;
    conforms(&bucket_of(&endpoint, bucket::KEY_ID).unwrap()).await;
    assert_eq!(*bucket.largest.lock().unwrap(), 8 * 1024 * 1024, "no request carries more than one part");
}

#[tokio::test]
async fn a_bucket_that_refuses_and_one_that_is_away_are_told_apart() {
    let endpoint = bucket::serve(Arc::default()).await;
    let org = OrgId(Uuid::now_v7());
    let denied = bucket_of(&endpoint, "AKIASTRANGER").unwrap();
    let told = denied.put(&key(org, ObjectKind::File, "1"), vec![1]).await.unwrap_err();
    assert_eq!(told.kind, OutageKind::Refused("denied".to_owned()));
    let away = bucket_of("http://127.0.0.1:1", bucket::KEY_ID).unwrap();
    assert_eq!(away.get(&key(org, ObjectKind::File, "1")).await.unwrap_err().kind, OutageKind::Broken);
}
