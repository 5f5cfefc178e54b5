//! A small server of the S3 REST API, for as much of it as objects need: put, conditional put, get, list, remove, multipart
//! upload. It keeps everything in memory and can be told to refuse.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// The access key it takes.
pub const KEY_ID: &str = "AKIAEXAMPLE";

/// What it keeps.
#[derive(Default)]
pub struct Bucket {
    objects: Mutex<BTreeMap<String, Bytes>>,
    parts: Mutex<BTreeMap<(String, u32), Bytes>>,
    /// Most bytes of a body it ever got at once.
    pub largest: Mutex<usize>,
}

/// Serves one; returns its address.
pub async fn serve(bucket: Arc<Bucket>) -> String {
    let routes = Router::new()
        .route("/{bucket}", get(list))
        .route("/{bucket}/{*key}", any(object))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(bucket);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

fn may(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|said| said.to_str().unwrap().contains(&format!("Credential={KEY_ID}/")))
}

async fn list(
    State(bucket): State<Arc<Bucket>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if !may(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let objects = bucket.objects.lock().unwrap();
    let found: String = objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix))
        .map(|(key, bytes)| {
            format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-11-23T15:00:00Z</LastModified></Contents>",
                bytes.len()
            )
        })
        .collect();
    format!("<ListBucketResult>{found}</ListBucketResult>").into_response()
}

async fn object(
    State(bucket): State<Arc<Bucket>>,
    method: Method,
    Path((_, key)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !may(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut largest = bucket.largest.lock().unwrap();
    *largest = body.len().max(*largest);
    let mut objects = bucket.objects.lock().unwrap();
    let mut parts = bucket.parts.lock().unwrap();
    let upload = query.get("uploadId");
    match (method.as_str(), upload, query.get("partNumber")) {
        ("POST", None, _) => {
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>".into_response()
        }
        ("PUT", Some(_), Some(number)) => {
            parts.insert((key, number.parse().unwrap()), body);
            [("etag", format!("\"{number}\""))].into_response()
        }
        ("POST", Some(_), _) => {
            let whole = parts.iter().filter(|((of, _), _)| *of == key).flat_map(|(_, part)| part.to_vec()).collect();
            parts.retain(|(of, _), _| *of != key);
            objects.insert(key, whole);
            "<CompleteMultipartUploadResult><ETag>\"m\"</ETag></CompleteMultipartUploadResult>".into_response()
        }
        ("DELETE", Some(_), _) => {
            parts.retain(|(of, _), _| *of != key);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", None, _) => {
            if headers.get("if-none-match").is_some_and(|said| said == "*") && objects.contains_key(&key) {
                return StatusCode::PRECONDITION_FAILED.into_response();
            }
            objects.insert(key, body);
            [("etag", "\"1\"")].into_response()
        }
        ("GET", ..) => match objects.get(&key) {
            Some(bytes) => {
                let headers = [("etag", "\"1\""), ("last-modified", "Mon, 23 Nov 2026 15:00:00 GMT")];
                (headers, bytes.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        ("DELETE", None, _) => {
            objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
