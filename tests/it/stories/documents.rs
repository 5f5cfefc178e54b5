//! Documents of a chart, at the door of a browser: kept sealed, downloaded whole or not at all, removed as a fact, verified
//! every week.

use crate::support::entrance::Entrance;
use careline::{
    domain::{
        ids::{FileId, OrgId},
        people::{Actor, Role},
    },
    flows::{erase_document, scrub_files},
    jobs::calendar,
    web::forms,
};
use reqwest::{Method, Response, StatusCode};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A document longer than two chunks, as a scanner would send it.
fn scan() -> Vec<u8> {
    let mut bytes = b"%PDF-1.7 ".to_vec();
    bytes.extend((0..150_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8));
    bytes
}

async fn send(entrance: &Entrance, patient: Uuid, name: &str, bytes: &[u8]) -> Response {
    let token = forms::token_for(entrance.cookie(Role::Nurse).split_once('=').unwrap().1);
    let mut body =
        format!("--edge\r\ncontent-disposition: form-data; name=\"{}\"\r\n\r\n{token}\r\n", forms::FIELD).into_bytes();
    body.extend(
        format!("--edge\r\ncontent-disposition: form-data; name=\"document\"; filename=\"{name}\"\r\n\r\n").as_bytes(),
    );
    body.extend(bytes);
    body.extend(b"\r\n--edge--\r\n");
    entrance
        .ask_as(Role::Nurse, Method::POST, &format!("/patients/{patient}/documents"))
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn kept(entrance: &mut Entrance) -> Vec<(Uuid, Uuid)> {
    sqlx::query_as("select id, patient_id from stored_file where removed_at is null order by kept_at, id")
        .fetch_all(&mut entrance.superuser)
        .await
        .unwrap()
}

async fn deeds(entrance: &mut Entrance, like: &str) -> Vec<String> {
    sqlx::query_scalar("select deed from audit_entry where deed like $1 and org_id = $2 order by id")
        .bind(like)
        .bind(entrance.home.org)
        .fetch_all(&mut entrance.superuser)
        .await
        .unwrap()
}

fn object(entrance: &Entrance, id: Uuid) -> PathBuf {
    entrance.folder().join("objects").join(entrance.home.org.to_string()).join("files").join(id.to_string())
}

#[tokio::test]
async fn a_document_is_kept_sealed_downloaded_whole_and_removed_as_a_fact() {
    let mut entrance = Entrance::open().await;
    let patient = entrance.home.patient;
    let sent = send(&entrance, patient, "C:\\\\scans\\\\Living will é.pdf", &scan()).await;
    assert_eq!(sent.status(), StatusCode::SEE_OTHER, "{}", sent.text().await.unwrap());
    let [(id, of)] = kept(&mut entrance).await[..] else { panic!("one document is kept") };
    assert_eq!(of, patient);
    let stored = std::fs::read(object(&entrance, id)).unwrap();
    let plain = scan();
    assert!(!stored.windows(32).any(|piece| piece == &plain[..32] || piece == &plain[70_000..70_032]));

    let path = format!("/patients/{patient}/documents/{id}");
    let chart = entrance.get(Role::Nurse, &format!("/patients/{patient}")).await.text().await.unwrap();
    assert!(chart.contains("Living will é.pdf") && chart.contains(&path) && chart.contains("146 KiB"), "{chart}");
    let read = entrance.get(Role::Nurse, &path).await;
    let header = |name: &str| read.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"document.pdf\"; filename*=UTF-8''Living%20will%20%C3%A9.pdf"
    );
    assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff".into(), "no-store".into()));
    assert_eq!(read.bytes().await.unwrap(), plain);
    for role in [Role::Admin, Role::Auditor] {
        assert_eq!(entrance.get(role, &path).await.status(), StatusCode::FORBIDDEN);
    }
    let others = format!("/patients/{}/documents/{id}", entrance.other.patient);
    assert_eq!(entrance.get(Role::Nurse, &others).await.status(), StatusCode::NOT_FOUND);

    let unsaid = entrance.post(Role::Nurse, &format!("{path}/remove"), &[("why", " ")]).await;
    assert_eq!(unsaid.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let removed = entrance.post(Role::Nurse, &format!("{path}/remove"), &[("why", "wrong patient")]).await;
    assert_eq!(removed.status(), StatusCode::SEE_OTHER);
    assert_eq!(entrance.get(Role::Nurse, &path).await.status(), StatusCode::NOT_FOUND);
    assert!(object(&entrance, id).exists(), "whoever has to ask can still be answered");
    let careline = Actor::careline(OrgId(entrance.home.org));
    erase_document::erase(&entrance.app, &careline, FileId(id)).await.unwrap();
    erase_document::erase(&entrance.app, &careline, FileId(id)).await.unwrap();
    assert!(!object(&entrance, id).exists());
    assert_eq!(
        deeds(&mut entrance, "%_document").await,
        ["kept_document", "read_document", "removed_document", "erased_document"]
    );
}

#[tokio::test]
async fn what_is_no_document_is_not_kept_and_says_what_to_do() {
    let mut entrance = Entrance::open().await;
    let patient = entrance.home.patient;
    let too_long = [b"%PDF-".to_vec(), vec![1; 20 * 1024 * 1024]].concat();
    for (name, bytes, says) in [
        ("plan.pdf", b"MZ\x90\x00 not a PDF at all".to_vec(), "PDF, PNG or JPEG"),
        ("plan.pdf", b"%PD".to_vec(), "PDF, PNG or JPEG"),
        ("", Vec::new(), "PDF, PNG or JPEG"),
        ("plan.pdf", too_long, "20 MiB"),
    ] {
        let reply = send(&entrance, patient, name, &bytes).await;
        assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = reply.text().await.unwrap();
        assert!(page.contains(says) && page.contains("document-fault"), "{page}");
    }
    let theirs = entrance.other.patient;
    assert_eq!(send(&entrance, theirs, "plan.pdf", &scan()).await.status(), StatusCode::NOT_FOUND);
    assert!(kept(&mut entrance).await.is_empty());
    let left = std::fs::read_dir(entrance.folder().join("objects").join(entrance.home.org.to_string()).join("files"));
    assert_eq!(left.map_or(0, Iterator::count), 0, "nothing stays behind of what was refused");
    assert_eq!(deeds(&mut entrance, "kept_document").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_altered_document_is_not_shown_and_an_admin_is_told_once() {
    let mut entrance = Entrance::open().await;
    let patient = entrance.home.patient;
    for name in ["one.pdf", "two.pdf", "three.pdf"] {
        assert_eq!(send(&entrance, patient, name, &scan()).await.status(), StatusCode::SEE_OTHER);
    }
    let files = kept(&mut entrance).await;
    let [(good, _), (bad, _), (gone, _)] = files[..] else { panic!("three are kept") };
    let careline = Actor::careline(OrgId(entrance.home.org));
    assert_eq!(scrub_files::scrub(&entrance.app, &careline).await.unwrap().read, 0, "none is due yet");

    let mut bytes = std::fs::read(object(&entrance, bad)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(object(&entrance, bad), bytes).unwrap();
    std::fs::remove_file(object(&entrance, gone)).unwrap();
    let refused = entrance.get(Role::Nurse, &format!("/patients/{patient}/documents/{bad}")).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert!(!refused.bytes().await.unwrap().starts_with(b"%PDF"));

    entrance.run("update stored_file set read_at = now() - interval '7 days' where org_id = $1").await;
    let found = scrub_files::scrub(&entrance.app, &careline).await.unwrap();
    assert_eq!((found.read, found.faulty), (1, 2));
    let faults: Vec<(Uuid, Option<String>)> = sqlx::query_as("select id, fault from stored_file order by kept_at, id")
        .fetch_all(&mut entrance.superuser)
        .await
        .unwrap();
    assert_eq!(faults, [(good, None), (bad, Some("altered".into())), (gone, Some("missing".into()))]);
    entrance.run("update stored_file set read_at = now() - interval '7 days' where org_id = $1").await;
    scrub_files::scrub(&entrance.app, &careline).await.unwrap();
    let letters: i64 = sqlx::query_scalar("select count(*) from job where body ->> 'notice' = 'file_fault'")
        .fetch_one(&mut entrance.superuser)
        .await
        .unwrap();
    assert_eq!(letters, 2, "one letter a fault, not one a week");
    let chart = entrance.get(Role::Nurse, &format!("/patients/{patient}")).await.text().await.unwrap();
    assert_eq!(chart.matches("Altered or missing").count(), 2);
    let page = entrance.get(Role::Admin, "/settings/secrets").await.text().await.unwrap();
    assert!(page.contains("2 of the documents and pieces of recordings were altered or are missing"), "{page}");
    assert_eq!(deeds(&mut entrance, "scrubbed_files").await.len(), 2);
}

#[tokio::test]
async fn nobody_has_to_ask_for_the_weekly_verification() {
    let mut entrance = Entrance::open().await;
    let patient = entrance.home.patient;
    assert_eq!(send(&entrance, patient, "plan.pdf", &scan()).await.status(), StatusCode::SEE_OTHER);
    entrance.run("update stored_file set read_at = now() - interval '7 days' where org_id = $1").await;
    let stop = CancellationToken::new();
    let calendar = tokio::spawn(calendar::run(Arc::clone(&entrance.app), stop.clone()));
    let asked = async {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            let planned: i64 = sqlx::query_scalar("select count(*) from job where body ->> 'kind' = 'scrub_files'")
                .fetch_one(&mut entrance.superuser)
                .await
                .unwrap();
            if planned > 0 {
                break planned;
            }
        }
    };
    let planned =
        tokio::time::timeout(Duration::from_secs(60), asked).await.expect("the calendar plans the verification");
    stop.cancel();
    calendar.await.unwrap();
    assert_eq!(planned, 1);
}
