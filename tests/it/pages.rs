//! Every page answers, a bad form comes back filled in, and nothing of another organization is ever shown.

use crate::support::entrance::Entrance;
use careline::domain::people::Role;
use reqwest::{Method, StatusCode};
use scraper::{Html, Selector};

fn text_of(html: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    page.select(&Selector::parse(selector).unwrap())
        .map(|found| found.text().collect::<String>().trim().to_owned())
        .collect()
}

#[tokio::test]
async fn every_page_of_a_role_answers() {
    let entrance = Entrance::open().await;
    let (patient, call) = (entrance.home.patient, entrance.home.call);
    let nurses = [
        "/today".to_owned(),
        "/patients".to_owned(),
        "/patients/new".to_owned(),
        format!("/patients/{patient}"),
        format!("/patients/{patient}/calls/new"),
        format!("/calls/{call}"),
        "/follow-ups".to_owned(),
        "/follow-ups?whose=mine".to_owned(),
        "/texts".to_owned(),
        format!("/patients/{patient}/texts"),
    ];
    let walks = nurses.iter().map(|path| (Role::Nurse, path.as_str())).chain([(Role::Auditor, "/record")]);
    for (role, path) in walks {
        let reply = entrance.get(role, path).await;
        assert_eq!(reply.status(), StatusCode::OK, "{path}");
        assert_eq!(reply.headers()["cache-control"], "no-store", "{path}");
        assert!(reply.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"), "{path}");
        let html = reply.text().await.unwrap();
        assert_eq!(text_of(&html, "h1").len(), 1, "{path} has one heading");
        assert!(!html.contains("<script>") && !html.contains(" onclick") && !html.contains(" style="), "{path}");
    }
}

#[tokio::test]
async fn a_page_of_another_organization_does_not_exist() {
    let entrance = Entrance::open().await;
    let other = entrance.other;
    for path in [
        format!("/patients/{}", other.patient),
        format!("/patients/{}/calls/new", other.patient),
        format!("/calls/{}", other.call),
        format!("/calls/{}/parts/transcript", other.call),
        format!("/api/calls/{}", other.call),
    ] {
        assert_eq!(entrance.get(Role::Nurse, &path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let done = entrance.post(Role::Nurse, &format!("/follow-ups/{}/done", other.follow_up), &[("outcome", "x")]).await;
    assert_eq!(done.status(), StatusCode::NOT_FOUND);
    for path in ["/today", "/patients", "/follow-ups"] {
        let html = entrance.get(Role::Nurse, path).await.text().await.unwrap();
        assert!(html.contains("Margaret") && !html.contains("Walter"), "{path}");
    }
}

#[tokio::test]
async fn a_bad_admission_comes_back_filled_in_with_each_fault_at_its_field() {
    let entrance = Entrance::open().await;
    let form = [
        ("given_name", "Ines"),
        ("family_name", ""),
        ("date_of_birth", "1948-02-30"),
        ("phone", "12"),
        ("language", "es-US"),
        ("time_zone", "America/Chicago"),
        ("call_code", "12"),
        ("medications", "two tablets <b>daily</b>"),
    ];
    let reply = entrance.post(Role::Nurse, "/patients/new", &form).await;
    assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = reply.text().await.unwrap();
    insta::assert_snapshot!(text_of(&html, ".field .fault").join("\n"));
    let page = Html::parse_document(&html);
    let given = page.select(&Selector::parse("#given_name").unwrap()).next().unwrap();
    assert_eq!(given.attr("value"), Some("Ines"));
    assert_eq!(text_of(&html, "#medications"), ["two tablets <b>daily</b>"]);
    let corrected: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| match *name {
            "family_name" => (*name, "Delgado"),
            "date_of_birth" => (*name, "1948-02-28"),
            "phone" => (*name, "+1 212 555 0144"),
            "call_code" => (*name, "4711"),
            _ => (*name, *value),
        })
        .collect();
    let reply = entrance.post(Role::Nurse, "/patients/new", &corrected).await;
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    let chart = entrance.get(Role::Nurse, reply.headers()["location"].to_str().unwrap()).await.text().await.unwrap();
    assert!(chart.contains("Ines Delgado") && chart.contains("two tablets &#60;b&#62;daily&#60;/b&#62;"));
}

#[tokio::test]
async fn a_call_without_consent_cannot_be_planned_and_the_page_says_what_to_do() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    let path = format!("/patients/{}/calls/new", entrance.home.patient);
    let form = [
        ("idem_key", "k"),
        ("purpose", "check_in"),
        ("protocol", "dyspnea"),
        ("due", "2031-01-06T10:00"),
        ("when", "planned"),
    ];
    let reply = entrance.post(Role::Nurse, &path, &form).await;
    assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = reply.text().await.unwrap();
    assert!(text_of(&html, "#due-fault")[0].contains("record the patient's consent"));
    let page = Html::parse_document(&html);
    let due = page.select(&Selector::parse("#due").unwrap()).next().unwrap();
    assert_eq!(due.attr("value"), Some("2031-01-06T10:00"));
}

#[tokio::test]
async fn a_wrong_password_keeps_what_was_typed_but_the_password() {
    let entrance = Entrance::open().await;
    let form =
        [("organization", "harbor"), ("email", "nurse@example.com"), ("password", "wrong-horse"), ("then", "/today")];
    let reply = entrance.ask(Method::POST, "/sign-in").form(&form).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.headers().get("set-cookie").is_none());
    let html = reply.text().await.unwrap();
    assert!(html.contains("nurse@example.com") && html.contains("harbor") && !html.contains("wrong-horse"));
}

#[tokio::test]
async fn too_large_a_body_is_refused_with_a_clear_text() {
    let entrance = Entrance::open().await;
    let large = "x".repeat(1024 * 1024 + 1);
    let page = entrance.ask_as(Role::Nurse, Method::POST, "/patients").body(format!("name={large}"));
    let reply = page.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(reply.text().await.unwrap().contains("1 MiB"));
    let api = entrance.ask_as(Role::Nurse, Method::POST, "/api/calls").header("content-type", "application/json");
    let reply = api.body(large).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(reply.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn an_unknown_address_is_a_page_with_a_request_number() {
    let entrance = Entrance::open().await;
    let reply = entrance.ask(Method::GET, "/nowhere").send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::NOT_FOUND);
    let id = reply.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert!(reply.text().await.unwrap().contains(&id));
    let reply = entrance.ask(Method::GET, "/api/nowhere").send().await.unwrap();
    let problem: serde_json::Value = reply.json().await.unwrap();
    assert_eq!(problem["type"], "not-found");
    assert_eq!(problem["status"], 404);
}

#[tokio::test]
async fn the_document_of_the_api_is_openapi_3_1_and_names_every_route_of_it() {
    let entrance = Entrance::open().await;
    let document: serde_json::Value =
        entrance.ask(Method::GET, "/api/openapi.json").send().await.unwrap().json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for door in careline::web::routes::DOORS.iter().filter(|door| door.path.starts_with("/api/")) {
        if door.path == "/api/openapi.json" {
            continue;
        }
        let method = door.method.as_str().to_lowercase();
        assert!(document["paths"][door.path][&method].is_object(), "{method} {}", door.path);
    }
}
